// A program of someone else's that touches several of floe's layers through their public headers.

#include <floe/core/text.h>
#include <floe/crypto/crypto.h>
#include <floe/net/endpoint.h>
#include <floe/net/send_batch.h>
#include <cstdio>

int main() {
  const auto endpoint = floe::net::Endpoint::parse("[2001:db8::1]:3478");
  if (!endpoint || endpoint->to_string() != "[2001:db8::1]:3478") return 1;

  floe::net::SendBatch batch;
  if (!batch.add({.destination = *endpoint}, floe::as_bytes("hello")) || batch.packets() != 1) {
    return 2;
  }
  const auto digest = floe::crypto::sha256(floe::as_bytes("abc"));
  if (!floe::to_hex(digest).starts_with("ba7816bf")) return 3;

  std::puts("the consumer works");
  return 0;
}
