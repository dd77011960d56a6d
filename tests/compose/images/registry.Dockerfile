# Stands for the official registry image where no image can be pulled; the same defaults: no login, files under /var/lib.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends wget docker-registry \
    && rm -rf /var/lib/apt/lists/* && mkdir -p /var/lib/registry \
    && printf '%s\n' 'version: 0.1' 'storage: {filesystem: {rootdirectory: /var/lib/registry}}' 'http: {addr: "0.0.0.0:5000"}' \
       > /etc/docker/registry/config.yml
CMD ["docker-registry", "serve", "/etc/docker/registry/config.yml"]
