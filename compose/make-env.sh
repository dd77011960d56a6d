#!/bin/sh
# Prints fresh passwords and keys for docker-compose.yaml:  sh compose/make-env.sh > .env
set -eu
umask 077

secret() { # 32 random bytes in letters that need no quoting in URLs, JSON and .env files
    head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'
}

cat <<ENV
# Made by compose/make-env.sh on $(date -u +%Y-%m-%d). Keep it out of version control and in your backup:
# without AIRFLOW_FERNET_KEY the connections saved in Airflow cannot be read again.
POSTGRES_PASSWORD=$(secret)
AIRFLOW_DB_PASSWORD=$(secret)
MLFLOW_DB_PASSWORD=$(secret)
DATAOPS_DB_PASSWORD=$(secret)
AIRFLOW_ADMIN_PASSWORD=$(secret)
AIRFLOW_FERNET_KEY=$(secret)=
AIRFLOW_JWT_SECRET=$(secret)$(secret)
AIRFLOW_SECRET_KEY=$(secret)
ENV
