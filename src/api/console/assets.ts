import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import path from 'node:path'
import { hashOf } from '../../base/checksums.ts'

/** What `npm run build:web` makes of `src/web`. */
export const BUILT = path.join(import.meta.dirname, '../../web/built')

interface Asset {
  readonly type: string
  readonly etag: string
  /** By the coding: `br`, `gzip`, or `identity`. */
  readonly contents: ReadonlyMap<string, Buffer>
}

export interface Assets {
  /** Whether there is anything to serve; nothing is read for it. */
  readonly isBuilt: () => boolean
  /** False: there is no such asset. */
  readonly serve: (name: string, incoming: IncomingMessage, response: ServerResponse) => boolean
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const CODINGS = { '.br': 'br', '.gz': 'gzip' } as const

/** A name with the hash of what is in it never means anything else. */
const HASHED = /-[A-Za-z0-9_-]{8}\.(js|css)$/

/** All of them in memory, read when the first is asked for: some hundred kilobytes. */
export function createAssets(directory: string = BUILT): Assets {
  let read: ReadonlyMap<string, Asset> | undefined
  const all = (): ReadonlyMap<string, Asset> => {
    // What is not there yet may be built while the server runs.
    if (!read?.size) read = readAll(directory)
    return read
  }
  return {
    isBuilt: () => existsSync(path.join(directory, 'index.html')),
    serve: (name, incoming, response) => {
      const asset = all().get(name)
      if (!asset) return false
      const [coding, content] = choose(asset, String(incoming.headers['accept-encoding'] ?? ''))
      response.setHeader('Cache-Control', HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache')
      response.setHeader('ETag', asset.etag)
      response.setHeader('Vary', 'Accept-Encoding')
      if (incoming.headers['if-none-match']?.includes(asset.etag)) {
        response.writeHead(304).end()
        return true
      }
      if (coding !== 'identity') response.setHeader('Content-Encoding', coding)
      response.setHeader('Content-Type', asset.type)
      response.setHeader('Content-Length', content.length)
      response.writeHead(200)
      response.end(incoming.method === 'HEAD' ? undefined : content)
      return true
    },
  }
}

/** The smallest that the client takes. */
function choose({ contents }: Asset, accepted: string): readonly [string, Buffer] {
  const taken = accepted.split(',').map((one) => one.trim().split(';')[0]?.toLowerCase())
  for (const coding of ['br', 'gzip']) {
    const content = contents.get(coding)
    if (content && taken.includes(coding)) return [coding, content]
  }
  return ['identity', contents.get('identity') ?? Buffer.alloc(0)]
}

function readAll(directory: string): ReadonlyMap<string, Asset> {
  const names = listed(directory)
  const plain = names.filter((name) => Object.hasOwn(TYPES, path.extname(name)))
  return new Map(
    plain.map((name) => {
      const identity = readFileSync(path.join(directory, name))
      const coded = Object.entries(CODINGS).flatMap(([extension, coding]) =>
        names.includes(name + extension)
          ? [[coding, readFileSync(path.join(directory, name + extension))] as const]
          : [],
      )
      const contents = new Map<string, Buffer>([['identity', identity], ...coded])
      return [
        name,
        {
          type: TYPES[path.extname(name)] ?? '',
          etag: `"${hashOf('sha256', identity).toString('base64url')}"`,
          contents,
        },
      ]
    }),
  )
}

function listed(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
