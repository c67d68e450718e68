import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { BodyProblem, RequestErrorCode } from './request.ts'

const fail = (code: RequestErrorCode, message: string): CodedError<RequestErrorCode> => new CodedError(code, message)

/** The whole body. Throws BodyTooLarge as soon as that is known, BodyEncoded, BodyIncomplete. */
export async function readBody(incoming: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const encoding = incoming.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw fail('BodyEncoded', 'a compressed body is not supported')
  const tooLarge = () => fail('BodyTooLarge', `the body is larger than ${limitBytes} bytes`)
  if (Number(incoming.headers['content-length'] ?? 0) > limitBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  try {
    // The stream is not destroyed when the loop ends early: the answer still has to go out on its socket.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size > limitBytes) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof CodedError ? error : fail('BodyIncomplete', 'the client went away')
  }
  if (!incoming.complete) throw fail('BodyIncomplete', 'the client went away')
  return Buffer.concat(chunks)
}

/** No body of any API is nested nearly as deep; what walks through one recurses. */
const MAX_DEPTH = 100

/** Undefined when there is none. Throws BodyMalformed. */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  let text: string
  let json: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    json = JSON.parse(text)
  } catch {
    throw fail('BodyMalformed', 'the body is not JSON in UTF-8')
  }
  if (depthOf(text) > MAX_DEPTH) throw fail('BodyMalformed', `the body is nested deeper than ${MAX_DEPTH}`)
  return json
}

/** Of well-formed JSON. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth)
    else if (character === '}' || character === ']') depth--
  }
  return deepest
}

/** An object without prototype, so that no field name means more than itself. Throws BodyMalformed, also for a field given twice. */
export function parseForm(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  const fields: Record<string, string> = Object.create(null)
  for (const pair of bytes.toString('latin1').split('&')) {
    if (pair === '') continue
    const [name = '', value = ''] = splitOnce(pair, '=')
    const decodedName = decodeFormText(name)
    if (decodedName in fields) throw fail('BodyMalformed', 'a form field is given twice')
    fields[decodedName] = decodeFormText(value)
  }
  return fields
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function decodeFormText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw fail('BodyMalformed', 'a form field is not percent-encoded UTF-8')
  }
}

/** Throws BodyMissing for an empty body where one is needed, BodyInvalid with a BodyProblem. */
export function decodeBody<Schema extends z.ZodType>(schema: Schema, decoded: unknown): z.output<Schema> {
  const result = schema.safeParse(decoded)
  if (result.success) return result.data
  if (decoded === undefined) throw fail('BodyMissing', 'a body is required')
  const problem = describe(result.error)
  const message = `${problem.field === '' ? 'the body' : problem.field}: ${problem.message}`
  throw new CodedError<RequestErrorCode>('BodyInvalid', message, {
    details: { problem: problem.problem, field: problem.field },
  })
}

function describe(error: z.ZodError): BodyProblem & { readonly message: string } {
  const issue = error.issues[0]
  if (issue === undefined) return { problem: 'invalid', field: '', message: 'is not valid' }
  if (issue.code === 'unrecognized_keys') {
    return {
      problem: 'unknown',
      field: fieldPath([...issue.path, issue.keys[0] ?? '']),
      message: 'is not a known member',
    }
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message)
  return { problem: missing ? 'missing' : 'invalid', field: fieldPath(issue.path), message: issue.message }
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '')
}

/** The problem in a BodyInvalid error. */
export function bodyProblem(error: CodedError): BodyProblem {
  const { problem, field } = error.details
  return {
    problem: problem === 'unknown' || problem === 'missing' ? problem : 'invalid',
    field: typeof field === 'string' ? field : '',
  }
}
