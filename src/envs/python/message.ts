/** @file Messages to and from a Python process: a header, its kind, group and payload's length, and the payload. */

/** Of the header: three little-endian uint32. */
export const HEADER_BYTES = 12;

export const request = { open: 1, reset: 2, step: 3, render: 4, scene: 5, wake: 6, infos: 7 } as const;
export const answer = { opened: 1, moment: 2, frame: 3, error: 4, seen: 5, wake: 6, told: 7 } as const;

const headerOf = ({ buffer, byteOffset }: Uint8Array): DataView => new DataView(buffer, byteOffset, HEADER_BYTES);

export const kindOf = (message: Uint8Array): number => headerOf(message).getUint32(0, true);
export const payloadBytes = (message: Uint8Array): number => headerOf(message).getUint32(8, true);

/** Makes a message of memory whose first HEADER_BYTES are free. */
export function address(message: Uint8Array, kind: number, group: number): void {
  const header = headerOf(message);
  header.setUint32(0, kind, true);
  header.setUint32(4, group, true);
  header.setUint32(8, message.length - HEADER_BYTES, true);
}

export function messageOf(kind: number, group: number, payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + payload.length);
  message.set(payload, HEADER_BYTES);
  address(message, kind, group);
  return message;
}
