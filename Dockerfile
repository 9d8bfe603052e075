# The runtime's own build steps install packages.txt and requirements.txt and copy the project to /usr/local/airflow.
FROM astrocrpublic.azurecr.io/runtime:3.3-2

# The runtime puts only the project's root on the path; the package `samklang` lies in include/.
ENV PYTHONPATH=/usr/local/airflow/include:/usr/local/airflow

# Airflow's API shows the extras of a connection, but for those with names that it knows to be secret.
ENV AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES=subscription_key
