"""The console: pages inside Airflow's UI, where people look after the sync."""
