import assert from 'node:assert/strict'
import fc from 'fast-check'
import { formatCrn, parseCrn } from '../../../src/base/crn.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const ACCOUNT = '0123456789abcdef0123456789abcdef'
const segment = fc.constantFrom('', 'kms', 'key', 'us-south', '*', '__proto__', 'a/', `a/${ACCOUNT}`, 'é', ' ')

export const crnTarget: FuzzTarget = {
  name: 'crn',
  seeds: [
    `crn:v1:bluemix:public:kms:us-south:a/${ACCOUNT}:instance:key:a1`,
    `crn:v1:bluemix:public:cloud-object-storage:global:a/${ACCOUNT}:instance:bucket:photos:2030/a:b`,
    'crn:v1:bluemix:public:iam::::serviceRole:Reader',
  ].map((each) => Buffer.from(each)),
  inputs: fc.array(segment, { minLength: 6, maxLength: 12 }).map((rest) => Buffer.from(`crn:v1:${rest.join(':')}`)),
  mayThrow: refusals('InvalidCrn'),
  run: (input) => {
    const text = input.toString('utf8')
    const crn = parseCrn(text)
    if (crn.account !== '') assert.equal(formatCrn(crn), text)
  },
}
