# A team's Airflow: the official image with airflow-dataops in it.
ARG BASE_IMAGE=apache/airflow:3.3.2-python3.12
FROM ${BASE_IMAGE}

# Extras of airflow-dataops: "postgres" for the ledger, "demo" for the example DAGs.
ARG EXTRAS=postgres,demo
# A package index of your own; certificates of your own belong into the base image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL

# Where there is no git MLflow would explain that at length in every task's log.
ENV GIT_PYTHON_REFRESH=quiet

USER root
# A new volume takes its owner from the folder it is mounted on.
RUN mkdir -p /opt/airflow/store /opt/airflow/inbox && chown airflow:0 /opt/airflow/store /opt/airflow/inbox
COPY compose/airflow-healthy.py /usr/local/bin/airflow-healthy
COPY compose/airflow-init.sh /opt/airflow/airflow-init.sh
RUN chmod 0755 /usr/local/bin/airflow-healthy /opt/airflow/airflow-init.sh
USER airflow

# Without Airflow's constraints, which exclude every MLflow since 2.0; Airflow itself is held at the image's version.
COPY --chown=airflow:0 compose/requirements.py pyproject.toml /tmp/dataops/
RUN python /tmp/dataops/requirements.py /tmp/dataops/pyproject.toml "$EXTRAS" > /tmp/dataops/requirements.txt \
    && pip install --no-cache-dir --requirement /tmp/dataops/requirements.txt \
       "apache-airflow==$(python -c 'from importlib.metadata import version; print(version("apache-airflow"))')" \
       apache-airflow-providers-fab apache-airflow-providers-postgres
# The sources last: a change of ours reinstalls nothing else.
COPY --chown=airflow:0 pyproject.toml README.md LICENSE /tmp/dataops/
COPY --chown=airflow:0 airflow_dataops /tmp/dataops/airflow_dataops
RUN pip install --no-cache-dir --no-deps /tmp/dataops && pip check
