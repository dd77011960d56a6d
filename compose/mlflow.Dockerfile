# The MLflow server with PostgreSQL's driver, not as root.
ARG BASE_IMAGE=python:3.12.11-slim-bookworm
FROM ${BASE_IMAGE}

ARG MLFLOW_VERSION=3.17.2
# A package index of your own; certificates of your own belong into the base image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL

RUN python3 -m venv /opt/mlflow && /opt/mlflow/bin/pip install --no-cache-dir "mlflow==$MLFLOW_VERSION" "psycopg[binary]>=3.2"
ENV PATH=/opt/mlflow/bin:$PATH \
    DO_NOT_TRACK=true \
    MLFLOW_DISABLE_TELEMETRY=true \
    # Background jobs cost 13 processes and 2.5 GB, and nothing here uses them.
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
RUN useradd --uid 10001 --create-home mlflow && mkdir -p /mlflow/artifacts && chown -R mlflow /mlflow
USER mlflow
WORKDIR /mlflow
