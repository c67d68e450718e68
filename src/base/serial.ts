/** Runs one task at a time for each name, in the order of asking. */
export interface Serial {
  readonly run: <T>(name: string, task: () => Promise<T>) => Promise<T>
}

export function createSerial(): Serial {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run: (name, task) => {
      const result = (tails.get(name) ?? Promise.resolve()).then(task, task)
      const tail = result.then(ignore, ignore).then(() => {
        if (tails.get(name) === tail) tails.delete(name)
      })
      tails.set(name, tail)
      return result
    },
  }
}

function ignore(): void {}
