# Two stages: the first builds a wheel and installs it, the second carries only what runs.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/headwater \
    && /opt/headwater/bin/pip install --no-cache-dir -c constraints.txt '.[parquet,text]'

FROM python:3.12-slim
COPY --from=build /opt/headwater /opt/headwater
RUN useradd --system --uid 8420 --home-dir /data headwater && install -d -o headwater -m 0700 /data
USER headwater
ENV PATH=/opt/headwater/bin:$PATH \
    HEADWATER_DATA=/data \
    HEADWATER_HOST=0.0.0.0 \
    HEADWATER_PORT=8420 \
    HEADWATER_LOG_FORMAT=json
VOLUME /data
EXPOSE 8420
# The first start listens beyond the container only with a key that the operator chose:
#   docker run -e HEADWATER_BOOTSTRAP_KEY=sk_... -p 8420:8420 -v headwater:/data headwater
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8420/v1/health/liveness', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["headwater"]
CMD ["serve"]
