import { randomFillSync } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { createExclusive } from './exclusive-file.ts'
import { hasErrno, instanceKeyError } from './instance-key-errors.ts'

const KEY_BYTES = 32
/** The longest form of a key (hex and a line end) is far shorter. */
const MAX_FILE_BYTES = 1_024

/** The 32 bytes of a key file, in memory of their own; undefined when there is no such file. */
export async function readKeyFile(path: string): Promise<Buffer | undefined> {
  const content = await readPrivate(path)
  if (content === undefined) return undefined
  const key = decodeKey(content)
  content.fill(0)
  if (key === undefined) {
    throw instanceKeyError(
      'InstanceKeyInvalid',
      `${path} is not a key file: 32 bytes, or their hex or base64, are expected`,
    )
  }
  if (key.every((byte) => byte === key[0])) {
    throw instanceKeyError('InstanceKeyInvalid', `${path} holds one byte over and over, not a random key`)
  }
  return key
}

/** Makes a key file with a new random key, or with the one that is given. Throws InstanceKeyInvalid when that cannot be done. */
export async function createKeyFile(path: string, given?: Buffer): Promise<Buffer> {
  const key = given ?? randomFillSync(Buffer.alloc(KEY_BYTES))
  try {
    await createExclusive(path, key)
  } catch (error) {
    throw instanceKeyError('InstanceKeyInvalid', `the key file ${path} cannot be made`, error)
  }
  return key
}

async function readPrivate(path: string): Promise<Buffer | undefined> {
  try {
    // Not blocking: a FIFO would otherwise wait for a writer.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    // Of the open file, so that it cannot be exchanged between check and use.
    const stats = await file.stat()
    assertPrivate(path, stats)
    const content = Buffer.alloc(Math.min(stats.size, MAX_FILE_BYTES))
    await file.read(content, 0, content.length, 0)
    return content
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    if (hasErrno(error, 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP', 'EIO', 'ENXIO')) {
      throw instanceKeyError('InstanceKeyInvalid', `the key file ${path} cannot be read`, error)
    }
    throw error
  }
}

function assertPrivate(path: string, stats: Stats): void {
  if (!stats.isFile()) throw instanceKeyError('InstanceKeyInvalid', `${path} is not a file`)
  if ((stats.mode & 0o077) !== 0) {
    throw instanceKeyError('InstanceKeyInsecure', `${path} can be used by others than its owner: chmod 600 ${path}`)
  }
  const user = process.getuid?.()
  if (user !== undefined && stats.uid !== user && stats.uid !== 0) {
    throw instanceKeyError('InstanceKeyInsecure', `${path} belongs to another user`)
  }
}

function decodeKey(content: Buffer): Buffer | undefined {
  if (content.length === KEY_BYTES) return Buffer.alloc(KEY_BYTES, content)
  const text = content.toString('latin1').trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return ownCopy(Buffer.from(text, 'hex'))
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return ownCopy(Buffer.from(text, 'base64'))
  return undefined
}

/** Short buffers come from memory that Node shares between them. */
function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length, bytes)
  bytes.fill(0)
  return copy
}
