/* What an operator's signing script looks like: plain ES5, nothing but the language. The sandbox checks what it makes when boss.sign is on.
 * sign(request) -> {headers: {...}, params: {...}}; request = {method, url, path, query, body, headers, timestamp (ms), nonce, secret}.
 * x-sign = hex HMAC-MD5(secret, METHOD \n path \n query as sent \n timestamp \n nonce). */

function utf8Bytes(text) {
  var bytes = [];
  var encoded = unescape(encodeURIComponent(text));
  for (var i = 0; i < encoded.length; i++) {
    bytes.push(encoded.charCodeAt(i));
  }
  return bytes;
}

var MD5_SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
var MD5_TABLE = [];
for (var t = 0; t < 64; t++) {
  MD5_TABLE.push(Math.floor(Math.abs(Math.sin(t + 1)) * 4294967296) | 0);
}

function md5Padded(bytes) {
  var padded = bytes.slice();
  var bits = bytes.length * 8;
  padded.push(0x80);
  while (padded.length % 64 !== 56) {
    padded.push(0);
  }
  for (var i = 0; i < 4; i++) {
    padded.push((bits >>> (8 * i)) & 255);
  }
  padded.push(Math.floor(bits / 4294967296) & 255, 0, 0, 0);
  return padded;
}

function md5Block(state, words) {
  var a = state[0], b = state[1], c = state[2], d = state[3];
  for (var i = 0; i < 64; i++) {
    var f, g;
    if (i < 16) { f = (b & c) | (~b & d); g = i; }
    else if (i < 32) { f = (d & b) | (~d & c); g = (5 * i + 1) % 16; }
    else if (i < 48) { f = b ^ c ^ d; g = (3 * i + 5) % 16; }
    else { f = c ^ (b | ~d); g = (7 * i) % 16; }
    var sum = (a + f + MD5_TABLE[i] + words[g]) | 0;
    var shift = MD5_SHIFTS[(i >> 4) * 4 + (i & 3)];
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
}

function md5Bytes(bytes) {
  var padded = md5Padded(bytes);
  var state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
  for (var start = 0; start < padded.length; start += 64) {
    var words = [];
    for (var i = 0; i < 64; i += 4) {
      words.push(padded[start + i] | (padded[start + i + 1] << 8) | (padded[start + i + 2] << 16) | (padded[start + i + 3] << 24));
    }
    md5Block(state, words);
  }
  var out = [];
  for (var j = 0; j < 16; j++) {
    out.push((state[j >> 2] >>> (8 * (j & 3))) & 255);
  }
  return out;
}

function toHex(bytes) {
  var text = "";
  for (var i = 0; i < bytes.length; i++) {
    text += (bytes[i] < 16 ? "0" : "") + bytes[i].toString(16);
  }
  return text;
}

function hmacMd5(key, message) {
  var keyBytes = utf8Bytes(key);
  if (keyBytes.length > 64) {
    keyBytes = md5Bytes(keyBytes);
  }
  var inner = [], outer = [];
  for (var i = 0; i < 64; i++) {
    var k = i < keyBytes.length ? keyBytes[i] : 0;
    inner.push(k ^ 0x36);
    outer.push(k ^ 0x5c);
  }
  return toHex(md5Bytes(outer.concat(md5Bytes(inner.concat(utf8Bytes(message))))));
}

function sign(request) {
  var message = [request.method, request.path, request.query, String(request.timestamp), request.nonce].join("\n");
  return {
    headers: {
      "x-sign": hmacMd5(request.secret, message),
      "x-sign-time": String(request.timestamp),
      "x-sign-nonce": request.nonce
    },
    params: {}
  };
}
