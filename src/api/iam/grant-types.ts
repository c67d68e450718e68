const GRANT = 'urn:ibm:params:oauth:grant-type:'

/** The ways to a token. Those with a password, a login page or a compute resource need what Coffer does not have. */
export const API_KEY_GRANT = `${GRANT}apikey`
export const SERVICE_GRANT = `${GRANT}iam-authz`
export const REFRESH_GRANT = 'refresh_token'

export const GRANT_TYPES: readonly string[] = [API_KEY_GRANT, REFRESH_GRANT, SERVICE_GRANT]
