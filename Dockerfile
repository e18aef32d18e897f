# The larder image: one static binary and nothing else. It runs in no container of its own; builds take /bin/larder from it.
#
#     docker build -t larder .
#     docker buildx build -t larder --build-context build=DIR .     without a Rust image: DIR/out/amd64/larder is the binary, from docker/static.sh
#
# For another processor: --platform linux/arm64, on a builder that runs or emulates it; or with DIR/out/arm64/larder, on any.

ARG RUST_IMAGE=rust:1.95-bookworm

FROM ${RUST_IMAGE} AS build
ARG TARGETARCH
ARG LARDER_COMMIT
# dist: smaller, and twice as long to build.
ARG LARDER_PROFILE=release
WORKDIR /larder
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/larder/target \
    install -D "$(docker/static.sh)" "/out/$TARGETARCH/larder"

FROM scratch
ARG TARGETARCH
# Builds mount /store beside /bin: a context has its files there.
WORKDIR /store
WORKDIR /
COPY --from=build /out/${TARGETARCH}/larder /bin/larder
ENTRYPOINT ["/bin/larder"]
