#!/usr/bin/env -S node --disable-sigusr1
const [major] = process.versions.node.split('.')
if (Number(major) < 26) {
  const why = `Coffer runs on Node 26, which npm ci puts beside it, and this is ${process.version}.`
  process.stderr.write(`${why} Run: npx coffer, or npm start\n`)
  process.exit(1)
}
// Here and not above: an older Node finds other faults with it first.
const { keepCompiledCode } = await import('./compile-cache.js')
const { stripTypesWhereInstalled } = await import('./installed.js')

// In JavaScript, for one file of TypeScript before the cache is open has Node load its compiler: 9 MiB that stay.
keepCompiledCode()
stripTypesWhereInstalled()
await import('./main.ts')
