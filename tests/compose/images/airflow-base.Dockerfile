# Stands for the official Airflow image where no image can be pulled: the same user, home, paths and command.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG AIRFLOW_VERSION
ENV AIRFLOW_HOME=/opt/airflow PATH=/home/airflow/.local/bin:$PATH
RUN useradd --uid 50000 --gid 0 --create-home airflow \
    && mkdir -p /opt/airflow/dags /opt/airflow/logs /opt/airflow/plugins \
    && chown -R airflow:0 /opt/airflow
USER airflow
WORKDIR /opt/airflow
RUN python3 -m venv /home/airflow/.local \
    && pip install --no-cache-dir "apache-airflow==$AIRFLOW_VERSION" \
       apache-airflow-providers-docker apache-airflow-providers-fab apache-airflow-providers-postgres
