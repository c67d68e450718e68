import { IAMServiceException } from '@aws-sdk/client-iam'
import { S3ServiceException } from '@aws-sdk/client-s3'
import { STSServiceException } from '@aws-sdk/client-sts'

const CLIENTS = [IAMServiceException, S3ServiceException, STSServiceException]

/** `status code` of what a client of AWS throws, the code as it came; '200' when it does not. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return '200'
  } catch (error) {
    for (const Client of CLIENTS) {
      if (error instanceof Client) return `${error.$metadata.httpStatusCode} ${codeOf(error)}`
    }
    throw error
  }
}

/** Clients of the query APIs give some codes names of their own. */
function codeOf(error: Error): string {
  const told = 'Error' in error ? error.Error : error
  const code = typeof told === 'object' && told !== null && 'Code' in told ? told.Code : undefined
  return typeof code === 'string' ? code : error.name
}
