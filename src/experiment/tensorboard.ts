/**
 * @file TensorBoard event files: scalars over steps.
 *
 * A TFRecord is: length of the data (uint64, little-endian) · masked CRC-32C of those 8 bytes · data · its masked
 * CRC-32C (https://www.tensorflow.org/tutorials/load_data/tfrecord). The data is an `Event` message; its field numbers
 * are those of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
 */

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  const castagnoli = 0x82f63b78;
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ castagnoli : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C (Castagnoli) of `bytes`. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The checksum as TFRecords store it: rotated right by 15 bits, plus a constant. */
function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length + 4);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(maskedCrc32c(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return bytes;
}

/** The record that an event file begins with. */
export function eventFileHeader(wallTimeSeconds: number): Uint8Array {
  const event = new BinaryWriter();
  event.tag(1, WireType.Bit64).double(wallTimeSeconds);
  event.tag(3, WireType.LengthDelimited).string("brain.Event:2");
  return record(event.finish());
}

/** The record of some scalars, by tag, at a step. */
export function scalarEvent(
  wallTimeSeconds: number,
  step: number,
  scalars: Readonly<Record<string, number>>,
): Uint8Array {
  const event = new BinaryWriter();
  event.tag(1, WireType.Bit64).double(wallTimeSeconds);
  event.tag(2, WireType.Varint).int64(step);
  event.tag(5, WireType.LengthDelimited).fork();
  for (const [tag, value] of Object.entries(scalars)) {
    event.tag(1, WireType.LengthDelimited).fork();
    event.tag(1, WireType.LengthDelimited).string(tag);
    event.tag(2, WireType.Bit32).float(value);
    event.join();
  }
  event.join();
  return record(event.finish());
}
