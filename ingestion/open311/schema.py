"""Raw table of the source `open311`. Times are naive UTC."""

from ingestion.tables import Column, RawTable

REQUESTS = RawTable(
    "open311_requests",
    "Service requests of an Open311 GeoReport v2 service: one row per version of a request that was read.",
    (
        Column("service_request_id", "text", "The service's own id.", required=True, key=True),
        Column("service_code", "text", "Code of the request type."),
        Column("service_name", "text", "Request type as people read it."),
        Column("status", "text", "open or closed, as the service spells it."),
        Column("status_notes", "text", "Why it is so: the answer; masked."),
        Column("description", "text", "Masked text."),
        Column("agency_responsible", "text", "Agency, persons' names masked."),
        Column("requested_at", "timestamp", "Made, UTC.", required=True),
        Column(
            "updated_at",
            "timestamp",
            "Last changed, of closed ones when they were closed, UTC; may be nonsense.",
        ),
        Column("expected_at", "timestamp", "Expected to be done, UTC."),
        Column("address", "text", "Masked address."),
        Column("zipcode", "text", "Postal code."),
        Column("latitude", "double", "Degrees north, WGS 84."),
        Column("longitude", "double", "Degrees east, WGS 84."),
    ),
)

TABLES = (REQUESTS,)
