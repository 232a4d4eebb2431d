# Runs the README's two commands in a clean container: docker build -t isa . && docker run --rm isa make train
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends make git build-essential swig \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /isa
COPY . .
# The CPU build of torch takes a tenth of the disk space of the CUDA build.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
RUN make .venv/.ready-train
CMD ["make", "train"]
