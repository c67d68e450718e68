import type { ServerResponse } from 'node:http'

/** Nothing from anybody else, in no frame, and no script but our files. `data:` is for small pictures of our own styles. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data: blob:; object-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Of every answer under `/ui`. */
export function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader('Content-Security-Policy', PAGE_POLICY)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('X-Frame-Options', 'DENY')
  response.setHeader('Referrer-Policy', 'no-referrer')
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
}
