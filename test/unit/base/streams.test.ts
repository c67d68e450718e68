import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { collect, inspected, limited, piecewise, primed, readBytes } from '../../../src/base/streams.ts'

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

const text = async (stream: AsyncIterable<Buffer>): Promise<string> => (await collect(stream, 1e9)).toString()

describe('collecting', () => {
  it('joins what fits and stops reading at what does not', async () => {
    expect(await text(chunks('a', '', 'bc'))).toBe('abc')
    expect((await collect(chunks(), 0)).length).toBe(0)
    let read = 0
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        read++
        yield Buffer.alloc(10)
      }
    }
    await expect(collect(endless(), 25)).rejects.toMatchObject({ code: 'StreamTooLong' })
    expect(read).toBe(3)
    await expect(text(limited(chunks('abc'), 2, () => new Error('mine')))).rejects.toThrow('mine')
  })
})

describe('priming', () => {
  it('fails at once when the first chunk fails, and passes everything on otherwise', async () => {
    // biome-ignore lint/correctness/useYield: it fails before its first chunk
    async function* broken(): AsyncGenerator<Buffer> {
      throw new Error('first')
    }
    await expect(primed(broken())).rejects.toThrow('first')
    expect(await text(await primed(chunks('a', 'b')))).toBe('ab')
    const empty = await primed(chunks())
    expect(await empty.next()).toMatchObject({ done: true })
    expect(await empty.next()).toMatchObject({ done: true })
  })

  it('closes its source when it is not iterated after all', async () => {
    let closed = false
    async function* source(): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from('a')
        yield Buffer.from('b')
      } finally {
        closed = true
      }
    }
    const stream = await primed(source())
    await stream.return?.()
    expect(closed).toBe(true)
    expect(await stream.next()).toMatchObject({ done: true })
  })
})

describe('reading a stream by its events', () => {
  it('gives all bytes in order', async () => {
    const source = Readable.from([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')])
    expect(await text(readBytes(source))).toBe('abc')
    expect(await text(readBytes(source))).toBe('')
  })

  it('holds the source back while nobody reads', async () => {
    let produced = 0
    const source = new Readable({
      read() {
        produced++
        this.push(produced > 1000 ? null : Buffer.alloc(1024))
      },
    })
    const bytes = readBytes(source, 8 * 1024)[Symbol.asyncIterator]()
    await bytes.next()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(produced).toBeLessThan(100)
    let total = 1024
    for (let next = await bytes.next(); !next.done; next = await bytes.next()) total += next.value.length
    expect(total).toBe(1000 * 1024)
  })

  it('says when the other side went away, before and while waiting', async () => {
    const source = new PassThrough()
    const bytes = readBytes(source)[Symbol.asyncIterator]()
    source.write('a')
    expect((await bytes.next()).value?.toString()).toBe('a')
    const waiting = bytes.next()
    source.destroy()
    await expect(waiting).rejects.toMatchObject({ code: 'StreamAborted' })
    await expect(bytes.next()).rejects.toMatchObject({ code: 'StreamAborted' })
    await expect(text(readBytes(source))).rejects.toMatchObject({ code: 'StreamAborted' })
  })

  it('passes an error on as the cause and survives one after the end', async () => {
    const source = new PassThrough()
    const bytes = readBytes(source)[Symbol.asyncIterator]()
    const failure = new Error('reset')
    source.destroy(failure)
    await expect(bytes.next()).rejects.toMatchObject({ code: 'StreamAborted', cause: failure })
    const left = new PassThrough()
    const early = readBytes(left)[Symbol.asyncIterator]()
    left.write('a')
    await early.next()
    await early.return?.()
    expect(left.isPaused()).toBe(true)
    left.destroy(new Error('later'))
    expect(await early.next()).toMatchObject({ done: true })
  })
})

describe('an inspected stream', () => {
  const source = (...texts: string[]) => {
    let closed = 0
    async function* make(): AsyncGenerator<Buffer> {
      try {
        yield* chunks(...texts)
      } finally {
        closed++
      }
    }
    return { stream: make(), closed: () => closed }
  }
  it('is passed on whole, each chunk after it was looked at, and ends once', async () => {
    const seen: string[] = []
    const stream = inspected(source('a', 'b').stream, {
      each: (chunk) => seen.push(chunk.toString()),
      end: () => seen.push('end'),
    })
    expect(await text(stream)).toBe('ab')
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(seen).toEqual(['a', 'b', 'end'])
  })

  it('fails with what looking at it throws, and closes its source', async () => {
    const early = source('a', 'b')
    const stream = inspected(early.stream, {
      each: () => {
        throw new RangeError('each')
      },
      end: () => {},
    })
    await expect(text(stream)).rejects.toThrow('each')
    expect(early.closed()).toBe(1)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    const late = inspected(source('a').stream, {
      each: () => {},
      end: () => {
        throw new RangeError('end')
      },
    })
    await expect(text(late)).rejects.toThrow('end')
  })

  it('calls a failure of the source what it is called here', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('a')
      throw new Error('source')
    }
    const passing = { each: () => {}, end: () => {} }
    await expect(text(inspected(broken(), passing))).rejects.toThrow('source')
    const failed = () => new Error('named')
    await expect(text(inspected(broken(), { ...passing, failed }))).rejects.toThrow('named')
  })

  it('closes its source when it is left early, and does not open it before it is asked', async () => {
    const left = source('a', 'b')
    for await (const _ of inspected(left.stream, { each: () => {}, end: () => {} })) break
    expect(left.closed()).toBe(1)
    const opened: string[] = []
    const open = () => {
      opened.push('a')
      return source('a').stream
    }
    const unread = inspected({ [Symbol.asyncIterator]: open }, { each: () => {}, end: () => {} })
    expect(opened).toEqual([])
    expect(await text(unread)).toBe('a')
    expect(opened).toEqual(['a'])
  })
})

describe('batches taken piece by piece', () => {
  it('give every chunk once, in order, empty batches or not', async () => {
    async function* batches(): AsyncGenerator<Buffer[]> {
      yield []
      yield [Buffer.from('a'), Buffer.from('b')]
      yield []
      yield [Buffer.from('c')]
    }
    const pieces = piecewise(batches())
    const got: string[] = []
    for await (const piece of pieces) got.push(piece.toString())
    expect(got).toEqual(['a', 'b', 'c'])
    expect((await pieces.next()).done).toBe(true)
  })

  it('close their source when they are left early, and pass on how it fails', async () => {
    let closed = 0
    async function* batches(): AsyncGenerator<Buffer[]> {
      try {
        yield [Buffer.from('a'), Buffer.from('b')]
        throw new Error('source')
      } finally {
        closed++
      }
    }
    const left = piecewise(batches())
    for await (const _ of left) break
    expect(closed).toBe(1)
    expect((await left.next()).done).toBe(true)
    await expect(async () => {
      for await (const _ of piecewise(batches()));
    }).rejects.toThrow('source')
  })
})
