import { objectOf, text } from './record-codec.ts'

/** Who decides about a root key: `provider-managed` ones are the store's own. */
export type Encryption = 'provider-managed' | 'customer-managed'

/** S3's names of what is done. */
export const ALGORITHMS = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export interface RootKeyChoice {
  readonly rootKeyCrn: string
  readonly encryption: Encryption
}

/** How the client asked for it: told again with the object as long as it lies under the key that was meant. */
export interface Asked {
  readonly algorithm: Algorithm
  /** The root key as the client named it. */
  readonly keyName?: string
  readonly rootKeyCrn: string
}

/** How something new is to be encrypted. What is left out is as the bucket has it. */
export interface Encrypting {
  /** Another root key than the bucket's. */
  readonly rootKey?: RootKeyChoice | undefined
  /** Wrapped by a bucket key, or by the root key itself. */
  readonly bucketKey?: boolean | undefined
  readonly asked?: Asked | undefined
  /** Encryption context: bound to each wrap of the DEK. */
  readonly context?: Readonly<Record<string, string>> | undefined
  /** In two layers, under two independent keys. */
  readonly twice?: boolean | undefined
  /** 32 bytes that the customer keeps: without them the object does not open. */
  readonly customerKey?: Buffer | undefined
}

/** What a record keeps of it, beside the wrapped DEK. */
export interface Sealing {
  readonly asked?: Asked
  /** Of an object that needs its customer's key: tells the right key from others. */
  readonly customerKeyCheck?: Buffer
  /** Of an object in two layers: the key of the outer one, sealed under the bucket metadata key. */
  readonly outerKey?: Buffer
  /** Of a sealed replica: what is stored are bytes that another bucket sealed. */
  readonly foreign?: true
}

/** Member `e` of a record; absent when there is nothing to say. */
export function sealingMember({ asked, customerKeyCheck, outerKey, foreign }: Sealing): { readonly e?: object } {
  if (!(asked || customerKeyCheck || outerKey || foreign)) return {}
  const { algorithm, keyName, rootKeyCrn } = asked ?? {}
  return {
    e: {
      ...(asked ? { a: algorithm, r: rootKeyCrn } : {}),
      ...(keyName === undefined ? {} : { n: keyName }),
      ...(customerKeyCheck ? { cc: customerKeyCheck.toString('base64') } : {}),
      ...(outerKey ? { ok: outerKey.toString('base64') } : {}),
      ...(foreign ? { f: true } : {}),
    },
  }
}

export function sealingFrom(head: Record<string, unknown>): Sealing {
  if (head['e'] === undefined) return {}
  const json = objectOf(head['e'])
  const algorithm = ALGORITHMS.find((name) => name === json['a'])
  const bytes = (name: string): Buffer => Buffer.from(text(json, name), 'base64')
  const keyName = json['n'] === undefined ? {} : { keyName: text(json, 'n') }
  return {
    ...(algorithm ? { asked: { algorithm, ...keyName, rootKeyCrn: text(json, 'r') } } : {}),
    ...(json['cc'] === undefined ? {} : { customerKeyCheck: bytes('cc') }),
    ...(json['ok'] === undefined ? {} : { outerKey: bytes('ok') }),
    ...(json['f'] === true ? { foreign: true } : {}),
  }
}
