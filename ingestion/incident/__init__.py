"""«Инцидент Менеджмент»: XLSX exports in four layouts."""
