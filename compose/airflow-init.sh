#!/bin/bash
# Brings both schemas up to date and makes the first user; safe to repeat, runs before the other Airflow services.
set -euo pipefail

airflow db migrate
airflow-dataops ledger upgrade

# An existing user keeps the password that was set since.
airflow users create --role=Admin --username="$AIRFLOW_ADMIN_USER" --password="$AIRFLOW_ADMIN_PASSWORD" \
    --firstname="$AIRFLOW_ADMIN_USER" --lastname=admin --email="$AIRFLOW_ADMIN_USER@localhost"
