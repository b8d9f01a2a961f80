/**
 * How flax derives the keys of scopes: the path and the number of the draw are folded into the key of
 * the stream by their SHA-1.
 *
 * @module
 */
import { type NDArray, random } from "../../mod.ts";

const encoder = new TextEncoder();

/**
 * The key for a draw: `key` with the SHA-1 of the names of a path and of `count` folded in, as
 * flax.core.scope has it (without separators, its default).
 */
export function drawnKey(key: NDArray, path: readonly string[], count: number): NDArray {
  return random.foldIn(key, firstWord(encoder.encode(path.join("")), bigEndian(count)));
}

const words = new Map<string, number>();

/** The first word of a digest, kept by what it is of: keys are drawn anew in each run of a model. */
function firstWord(text: Uint8Array, tail: readonly number[]): number {
  const bytes = [...text, ...tail];
  const name = bytes.join();
  let word = words.get(name);
  if (word === undefined) {
    if (words.size >= mostKept) words.clear();
    words.set(name, word = sha1(bytes)[0]!);
  }
  return word;
}

/** The bytes of a positive integer, most significant first, without leading zeros. */
function bigEndian(n: number): number[] {
  return n === 0 ? [] : [...bigEndian(Math.floor(n / 256)), n % 256];
}

const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/** SHA-1 (FIPS 180-4) of bytes, as five words; what the platform has is asynchronous. */
export function sha1(bytes: readonly number[]): number[] {
  const bits = bytes.length * 8;
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bits / 2 ** 32));
  view.setUint32(padded.length - 4, bits >>> 0);
  const h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const w = new Int32Array(80);
  for (let block = 0; block < blocks; block++) {
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(block * 64 + t * 4);
    for (let t = 16; t < 80; t++) {
      w[t] = rotate(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1);
    }
    let [a, b, c, d, e] = h as [number, number, number, number, number];
    for (let t = 0; t < 80; t++) {
      const mixed = t < 20
        ? (b & c) | (~b & d)
        : t >= 40 && t < 60
        ? (b & c) | (b & d) | (c & d)
        : b ^ c ^ d;
      const next = (rotate(a, 5) + mixed + e + constants[Math.floor(t / 20)]! + w[t]!) | 0;
      [a, b, c, d, e] = [next, a, rotate(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((x, i) => h[i] = (h[i]! + x) >>> 0);
  }
  return h;
}

const constants = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

/** Models have some hundred scopes; this many digests are a few megabytes at most. */
const mostKept = 20_000;
