# Stands for the official HAProxy image where no image can be pulled.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends wget haproxy \
    && rm -rf /var/lib/apt/lists/*
