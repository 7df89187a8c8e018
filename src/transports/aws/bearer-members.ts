/**
 * Members of replies that AWS's models do not mark as sensitive, and with which whoever holds them may act or read: tokens,
 * passwords, keys, and URLs that carry a signature. They are masked like the marked ones.
 */
import { lettersOf } from './names.ts';

const NAMES: ReadonlySet<string> = new Set([
  // Tokens
  'accesstoken',
  'activationcode',
  'authtoken',
  'authorizationtoken',
  'bearertoken',
  'clitoken',
  'idtoken',
  'refreshtoken',
  'secrettoken',
  'sessiontoken',
  'syncsessiontoken',
  'tokenvalue',
  'webtoken',
  // Keys and passwords
  'addomainjoinpassword',
  'apikey',
  'clientsecret',
  'crossrealmtrustprincipalpassword',
  'kdcadminpassword',
  'masteruserpassword',
  'password',
  'precopassword',
  'privatekey',
  'secretaccesskey',
  'secretkey',
  // URLs that are signed
  'apispecificationdownloadurl',
  'apispecificationuploadurl',
  'authorizedurl',
  'configurationsdownloadurl',
  'documentpresignedurl',
  'downloadurl',
  'embedurl',
  'fileuploadurl',
  'forgotpasswordlink',
  'presignedlogurl',
  'presigneds3url',
  'presignedurl',
  'promptpresignedurl',
  'qualificationreportdownloadurl',
  'signedurl',
  'snapshotdownloadurl',
  'streamurl',
  'streamingurl',
  'uploadurl',
  'zipuploadurl',
]);

/** Signed URLs under a name that says nothing. */
const IN_SHAPES: ReadonlySet<string> = new Set([
  'lambda FunctionCodeLocation.Location',
  'lambda LayerVersionContentOutput.Location',
]);

export function isBearer(service: string, shape: string, member: string): boolean {
  return NAMES.has(lettersOf(member)) || IN_SHAPES.has(`${service} ${shape}.${member}`);
}
