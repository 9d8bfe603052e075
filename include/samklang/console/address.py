"""Where the console is found, below Airflow's own root."""

MOUNT = "/samklang"

FRAME = f"/plugin/samklang{MOUNT}"
"""The same pages framed by Airflow's UI: `/plugin/<url_route>/<path of the framed page>`."""
