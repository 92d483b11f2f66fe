"""Raw tables of the source `viber`, in the shape of all networks."""

from ingestion.networks import messages_table, pages_table

TABLES = (pages_table("viber", "Viber"), messages_table("viber", "Viber"))
