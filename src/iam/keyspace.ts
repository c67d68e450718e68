/** Key spaces of identity and access. Numbers are stored: never reuse one. */
export const IAM_SPACE = {
  /** account id → account */
  account: 64,
  /** guid → service instance */
  instance: 65,
  /** account id `/` IAM id → user */
  user: 66,
  /** access key id → owner and sealed secret */
  credential: 67,
  /** keyed hash of an API key → owner */
  apiKey: 68,
  /** policy id → policy; the first release wrote authorizations here, in a form that is still read */
  policy: 69,
  /** kid → sealed token signing key */
  signingKey: 70,
  /** role id → custom role */
  customRole: 71,
  /** id → resource key, without its secrets */
  resourceKey: 75,
  /** guid → instance that was deleted */
  removedInstance: 76,
  /** account id `/` `AIDA…` → user of AWS's kind */
  awsUser: 80,
  /** account id `/` `AGPA…` → group of such users */
  awsGroup: 81,
  /** account id `/` `AROA…` → role of AWS's kind */
  awsRole: 82,
  /** account id `/` URL of the issuer without its scheme → identity provider */
  oidcProvider: 83,
  /** account id, path and name → managed policy of the account's own */
  awsPolicy: 84,
} as const

/** An account id has 32 characters, so the first `/` always ends it. */
export const userKey = ({ accountId, iamId }: { readonly accountId: string; readonly iamId: string }): string =>
  `${accountId}/${iamId}`
