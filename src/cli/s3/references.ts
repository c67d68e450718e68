import { usage } from '../failure.ts'

export interface ObjectReference {
  readonly bucket: string
  /** Empty for the bucket itself; a prefix where a command takes one. */
  readonly key: string
}

/** `bucket`, `bucket/key`, `s3://bucket/key`. Throws Usage. */
export function readReference(text: string): ObjectReference {
  const [bucket = '', ...rest] = text.replace(/^s3:\/\//, '').split('/')
  if (bucket === '' || bucket === '.' || bucket === '..')
    throw usage(`${text} names no bucket; give bucket/key or s3://bucket/key`)
  return { bucket, key: rest.join('/') }
}

/** With a key. Throws Usage. */
export function readObject(text: string): ObjectReference {
  const reference = readReference(text)
  if (reference.key === '') throw usage(`${text} names no object; give bucket/key or s3://bucket/key`)
  return reference
}

/** Without a key. Throws Usage. */
export function readBucket(text: string): string {
  const { bucket, key } = readReference(text)
  if (key !== '') throw usage(`${text} is an object; a bucket is asked for`)
  return bucket
}

export const isRemote = (text: string): boolean => text.startsWith('s3://')

export const referenceText = ({ bucket, key }: ObjectReference): string => (key === '' ? bucket : `${bucket}/${key}`)

/** The last part of a key or path. */
export const baseName = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
