import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { crc32c, eventFileHeader, scalarEvent } from "./tensorboard.ts";

test("CRC-32C of RFC 3720, B.4", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

/** The checksum that a masked one was made from. */
const unmask = (masked: number): number => {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

/** The data of the records in an event file; checks both checksums of each. */
function readRecords(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let offset = 0; offset < file.length; ) {
    const length = Number(file.readBigUInt64LE(offset));
    expect(unmask(file.readUInt32LE(offset + 8))).toBe(crc32c(file.subarray(offset, offset + 8)));
    const data = file.subarray(offset + 12, offset + 12 + length);
    expect(unmask(file.readUInt32LE(offset + 12 + length))).toBe(crc32c(data));
    records.push(data);
    offset += 12 + length + 4;
  }
  return records;
}

/** The fields of a message in which numbers are read as their wire type says. */
function readFields(bytes: Uint8Array): [field: number, value: number | Uint8Array][] {
  const reader = new BinaryReader(bytes);
  const fields: [number, number | Uint8Array][] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.Bit64) fields.push([field, reader.double()]);
    else if (type === WireType.Bit32) fields.push([field, reader.float()]);
    else if (type === WireType.Varint) fields.push([field, Number(reader.int64())]);
    else fields.push([field, reader.bytes()]);
  }
  return fields;
}

test("an event file read back: version, then scalars by tag and step", () => {
  const file = Buffer.concat([eventFileHeader(1000), scalarEvent(1001.5, 8000, { "rollout/return": -2.5, loss: 0 })]);
  const [header, event] = readRecords(file).map(readFields);
  expect(header).toEqual([
    [1, 1000],
    [3, expect.anything()],
  ]);
  expect(Buffer.from(header[1][1] as Uint8Array).toString()).toBe("brain.Event:2");
  expect(event.slice(0, 2)).toEqual([
    [1, 1001.5],
    [2, 8000],
  ]);
  const [summaryField, summary] = event[2];
  expect(summaryField).toBe(5);
  const scalars = readFields(summary as Uint8Array).map(([field, value]) => {
    expect(field).toBe(1);
    const [[tagField, tag], [valueField, scalar]] = readFields(value as Uint8Array);
    expect([tagField, valueField]).toEqual([1, 2]);
    return [Buffer.from(tag as Uint8Array).toString(), scalar];
  });
  expect(scalars).toEqual([
    ["rollout/return", -2.5],
    ["loss", 0],
  ]);
});

/** A Python that has TensorBoard, where there is one: `BPTA_PYTHON=/path/to/python`. */
const python = process.env.BPTA_PYTHON;
const hasTensorBoard = python !== undefined && spawnSync(python, ["-c", "import tensorboard"]).status === 0;

test.runIf(hasTensorBoard)("TensorBoard itself reads what was written", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bpta-tensorboard-"));
  try {
    const records = [0, 1, 2].map((i) =>
      scalarEvent(1001.5 + i, 8000 * i, { "rollout/return": 1 - 2.5 * i, loss: i / 4 }),
    );
    await writeFile(join(directory, "events.out.tfevents.1000.bpta"), [eventFileHeader(1000), ...records]);
    const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1])
events.Reload()
print(json.dumps({tag: [[event.wall_time, event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))`;
    const read = spawnSync(python!, ["-c", script, directory], { encoding: "utf8" });
    expect(JSON.parse(read.stdout || read.stderr)).toEqual({
      "rollout/return": [
        [1001.5, 0, 1],
        [1002.5, 8000, -1.5],
        [1003.5, 16000, -4],
      ],
      loss: [
        [1001.5, 0, 0],
        [1002.5, 8000, 0.25],
        [1003.5, 16000, 0.5],
      ],
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
