"use strict";

/* HMAC-MD5 over UTF-8 text, hex out: RFC 1321 and RFC 2104 in plain ECMAScript 5, as a small operator's script would carry it. */

var SINES = [];
for (var n = 0; n < 64; n++) SINES.push(Math.floor(Math.abs(Math.sin(n + 1)) * 4294967296) | 0);
// Per round: which word of the block is taken, and how far the sum is turned.
var PICKS = [], SHIFTS = [], TURNS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
for (n = 0; n < 64; n++) {
  PICKS.push([n, 5 * n + 1, 3 * n + 5, 7 * n][n >> 4] & 15);
  SHIFTS.push(TURNS[n >> 4][n & 3]);
}

function utf8(text) {
  var escaped = unescape(encodeURIComponent(text)), length = escaped.length, bytes = [];
  for (var i = 0; i < length; i++) bytes[i] = escaped.charCodeAt(i);
  return bytes;
}

function md5(bytes) {
  var length = bytes.length, words = [], i, t;
  var count = (((length + 8) >> 6) + 1) * 16;
  for (i = 0; i < count; i++) words[i] = 0;
  for (i = 0; i < length; i++) words[i >> 2] |= bytes[i] << ((i & 3) << 3);
  words[length >> 2] |= 0x80 << ((length & 3) << 3);
  words[count - 2] = length << 3;
  var picks = PICKS, sines = SINES, shifts = SHIFTS;
  var a0 = 0x67452301, b0 = -271733879, c0 = -1732584194, d0 = 0x10325476;
  for (var at = 0; at < count; at += 16) {
    var a = a0, b = b0, c = c0, d = d0;
    for (i = 0; i < 16; i++) {
      t = (a + ((b & c) | (~b & d)) + sines[i] + words[at + i]) | 0;
      a = d; d = c; c = b; b = (b + ((t << shifts[i]) | (t >>> (32 - shifts[i])))) | 0;
    }
    for (; i < 32; i++) {
      t = (a + ((d & b) | (~d & c)) + sines[i] + words[at + picks[i]]) | 0;
      a = d; d = c; c = b; b = (b + ((t << shifts[i]) | (t >>> (32 - shifts[i])))) | 0;
    }
    for (; i < 48; i++) {
      t = (a + (b ^ c ^ d) + sines[i] + words[at + picks[i]]) | 0;
      a = d; d = c; c = b; b = (b + ((t << shifts[i]) | (t >>> (32 - shifts[i])))) | 0;
    }
    for (; i < 64; i++) {
      t = (a + (c ^ (b | ~d)) + sines[i] + words[at + picks[i]]) | 0;
      a = d; d = c; c = b; b = (b + ((t << shifts[i]) | (t >>> (32 - shifts[i])))) | 0;
    }
    a0 = (a0 + a) | 0; b0 = (b0 + b) | 0; c0 = (c0 + c) | 0; d0 = (d0 + d) | 0;
  }
  var out = [];
  [a0, b0, c0, d0].forEach(function (word) {
    for (var k = 0; k < 32; k += 8) out.push((word >>> k) & 255);
  });
  return out;
}

function hmacMd5Hex(key, message) {
  var block = utf8(key), inner = [], outer = [];
  if (block.length > 64) block = md5(block);
  for (var i = 0; i < 64; i++) { inner[i] = block[i] ^ 0x36; outer[i] = block[i] ^ 0x5c; }
  return md5(outer.concat(md5(inner.concat(utf8(message)))))
    .map(function (byte) { return (byte < 16 ? "0" : "") + byte.toString(16); }).join("");
}

function sign(request) {
  return { headers: { "x-sign": hmacMd5Hex(request.secret, request.body) } };
}
