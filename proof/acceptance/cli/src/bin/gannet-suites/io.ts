// What the transport uses of the module `@std/io`, whose registry is not needed this way.
export async function writeAll(writer: { write(bytes: Uint8Array): Promise<number> }, bytes: Uint8Array) {
  for (let written = 0; written < bytes.length;) {
    written += await writer.write(bytes.subarray(written));
  }
}
