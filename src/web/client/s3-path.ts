import { S3 } from './http.ts'

/**
 * Where an object is asked for. The key is one segment, its slashes encoded: a browser would take `..` and `.` in it for
 * steps of a path, and the server decodes it once, as a whole.
 */
export const objectPath = (bucket: string, key: string): string =>
  `${S3}/${encodeURIComponent(bucket)}/${encodeURIComponent(key)}`

export const bucketPath = (bucket: string): string => `${S3}/${encodeURIComponent(bucket)}`

/** Where an object is shown without leaving the console: pictures, PDF and text alone, in a sandbox. */
export const previewPath = (bucket: string, key: string, versionId?: string): string =>
  `/ui/preview/${encodeURIComponent(bucket)}/${encodeURIComponent(key)}${versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`}`
