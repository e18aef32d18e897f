//! A small HTTP/1.1 server on loopback that does what a test tells it to, wrong things included.
