import { announceChange } from './changes.ts'
import { API, callJson } from './http.ts'
import { member } from './json.ts'

const path = (bucket: string): string => `${API}/v1/b/${encodeURIComponent(bucket)}`

/** Bytes that a bucket may hold; 0: as many as there is room for. */
export async function getQuota(bucket: string, signal?: AbortSignal): Promise<number> {
  const quota = member(await callJson(path(bucket), { signal }), 'hard_quota')
  return typeof quota === 'number' ? quota : 0
}

export async function putQuota(bucket: string, bytes: number): Promise<void> {
  await callJson(path(bucket), { method: 'PATCH', json: { hard_quota: bytes } })
  announceChange('buckets')
}
