import { API } from './http.ts'
import { listOf, textOf } from './json.ts'

/** What `/health/ready` tells anybody of the server: nothing when all is well. It answers 503 while it is not ready. */
export async function readHealth(signal?: AbortSignal): Promise<readonly string[]> {
  const response = await fetch(`${API}/health/ready`, { cache: 'no-store', ...(signal ? { signal } : {}) })
  const answer: unknown = await response.json()
  const problems = listOf(answer, 'problems').map(String)
  return response.ok || problems.length > 0 ? problems : [`The server is not ready: ${textOf(answer, 'status')}.`]
}
