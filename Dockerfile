# Coordinators, workers and the MLflow server.   docker build --tag finesweep .
# Without GPUs, the smaller torch:   --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu
FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=https://pypi.org/simple
WORKDIR /package
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN pip install --no-cache-dir --constraint constraints.txt --index-url "$TORCH_INDEX" torch
COPY src src
COPY conf conf
COPY sweeps sweeps
COPY portfolios portfolios
RUN pip install --no-cache-dir --constraint constraints.txt '.[demo,postgres]'

# A named volume takes the owner of the folder that it is mounted on.
RUN useradd --create-home --uid 1000 finesweep && mkdir /work /shared && chown 1000 /work /shared
USER 1000
WORKDIR /work
ENTRYPOINT ["finesweep"]
CMD ["--help"]
