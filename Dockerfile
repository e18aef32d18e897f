# The larder image: one static binary and nothing else. It runs in no container of its own; builds take /bin/larder from it.
#
#     docker build -t larder .
#     docker buildx build -t larder --build-context build=DIR .     without a Rust image: DIR/out/larder is the binary, from docker/static.sh
#
# For another processor: --platform linux/arm64, on a builder that runs or emulates it.

ARG RUST_IMAGE=rust:1.95-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /larder
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/larder/target \
    install -D "$(docker/static.sh)" /out/larder

FROM scratch
# Builds mount /store beside /bin: a context has its files there.
WORKDIR /store
WORKDIR /
COPY --from=build /out/larder /bin/larder
ENTRYPOINT ["/bin/larder"]
