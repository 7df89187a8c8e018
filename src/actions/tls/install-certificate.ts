/**
 * tls:installCertificate: a certificate and its key in the place of the previous pair, read by the service, and shown by
 * its port. What can be known of the pair is checked before a byte is written.
 */
import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  type ActionContext,
  type UndoInputs,
} from '../define-action.ts';
import { detached, fieldsOrFailure, type DetachedEnd, type DetachedHandle } from '../effects/detached.ts';
import { readFields } from '../scripts/fields.ts';
import { keepKey } from '../scripts/keep-key.ts';
import { installPair, observePair, restorePair } from '../scripts/tls.ts';
import { strictObject } from '../strict-object.ts';
import { checkPair, firstCertificate } from './check-pair.ts';
import { proven, shownBy, spoken, type Door, type Shown } from './proven.ts';
import { putBack } from './put-back.ts';

/** It travels in the environment, where Linux allows 128 KiB for one variable. */
const certificateCharactersMax = 65_536;

/** KIND SHA256 OWNER GROUP MODE, as names.ts has them. No bytes: they stay on the host. */
type FileState = string;
type Before = {
  readonly certificate: FileState;
  readonly key: FileState;
  /** Of the certificate in the file; null where there is none. */
  readonly serial: string | null;
  readonly fingerprint: string | null;
  /** What the port shows. */
  readonly served: string | null;
};
type Outputs = {
  readonly Serial: string | null;
  readonly Fingerprint: string | null;
  readonly Changed: boolean;
};
type Undone = UndoInputs<Inputs, Before, DetachedHandle, Outputs>;

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
  CertificateFile: Type.String({
    pattern: '^/',
    description: 'No symbolic link. Owner and mode are kept.',
  }),
  KeyFile: Type.String({
    pattern: '^/',
    description:
      'No symbolic link. Owner and mode are kept, without any right for others; a new file has 0600.',
  }),
  Certificate: Type.String({
    description: "PEM: the server's own first, then those that lead to the authority; at most 64 KiB.",
  }),
  PrivateKey: Type.String({
    description: 'PEM, without a passphrase. Must come from a parameter with secret: true.',
  }),
  ServerNames: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    maxItems: 100,
    description: 'Names and addresses that clients use; the certificate must be for each.',
  }),
  Ca: Type.Optional(
    Type.String({
      description: 'PEM of the authorities that the chain must lead to; left out: the public ones.',
    }),
  ),
  Reload: Type.Optional(
    strictObject({
      Service: Type.String({ pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$' }),
      Signal: Type.Union([Type.Literal('HUP'), Type.Literal('reload')], {
        description:
          'How the unit is told: SIGHUP to its main process (MinIO, which does not notice renamed files), or systemctl reload (nginx).',
      }),
    }),
  ),
  Port: Type.Integer({
    minimum: 1,
    maximum: 65_535,
    description: 'Where the host itself is asked afterwards.',
  }),
  Address: Type.Optional(Type.String({ default: '127.0.0.1', minLength: 1 })),
  ServerName: Type.Optional(
    Type.String({ minLength: 1, description: 'The name sent (SNI); default: the first of ServerNames.' }),
  ),
});
type Inputs = Static<typeof inputs>;

export const installCertificate = defineAction({
  name: 'tls:installCertificate',
  summary:
    'Installs a certificate and its key, has the service read them, and proves by a handshake that its port shows them.',
  source: 'https://www.rfc-editor.org/rfc/rfc9525',
  example: `
    - name: Install
      action: tls:installCertificate
      inputs:
        Host: minio01
        CertificateFile: /home/minio-user/.minio/certs/public.crt
        KeyFile: /home/minio-user/.minio/certs/private.key
        Certificate: '{{ Certificate }}'
        PrivateKey: '{{ PrivateKey }}'
        ServerNames: [minio01.lab, minio.lab]
        Reload: { Service: minio, Signal: HUP }
        Port: 9000`,
  inputs,
  outputs: strictObject({
    Serial: Type.Union([Type.String(), Type.Null()], {
      description: 'Of what is shown now, in hexadecimal.',
    }),
    Fingerprint: Type.Union([Type.String(), Type.Null()], { description: 'SHA-256 of it.' }),
    Changed: Type.Boolean(),
  }),
  secretInputs: ['Certificate', 'PrivateKey'],
  timeoutSeconds: 600,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,

  putsBack: ['certificate', 'key'],
  observe: async (inputs, context): Promise<Before> => {
    const host = context.host(inputs.Host);
    const fields = await readFields(host, observePair([inputs.CertificateFile, inputs.KeyFile]), context);
    const pem = Buffer.from(fields.one('pem') ?? '', 'base64').toString('utf8');
    const present = firstCertificate(pem);
    const shown = await shownBy(host, doorOf(inputs), context);
    return {
      certificate: fields.one('certificate') ?? '',
      key: fields.one('key') ?? '',
      serial: present?.serialNumber ?? null,
      fingerprint: present?.fingerprint256 ?? null,
      served: shown.kind === 'certificate' ? shown.fingerprint : null,
    };
  },

  effect: proven<Inputs, Before, DetachedHandle, Outputs>(
    detached<Inputs, Before, Outputs>({
      host: ({ Host }) => Host,
      script: (inputs, before, context) => {
        refuseBadPair(inputs, context);
        const script = installPair(
          [
            keyOf(context, inputs, before),
            inputs.CertificateFile,
            inputs.KeyFile,
            shaOf(before.certificate),
            shaOf(before.key),
            ...unitOf(inputs),
          ],
          new TextEncoder().encode(inputs.PrivateKey),
        );
        return { ...script, env: { BELAY_CERTIFICATE: inputs.Certificate }, secret: true };
      },
      waitingFor: ({ CertificateFile }) => `writing ${CertificateFile}`,
      mayStartAnew: true,
      finish: (end, inputs, before) =>
        finished(end, inputs, before.serial, leafOf(inputs), before.certificate),
    }),
    ({ Host }, { token }) => ({ Host, Token: token }),
    {
      host: ({ Host }) => Host,
      door: doorOf,
      wanted: (inputs) => leafOf(inputs)?.fingerprint256 ?? null,
      notShown: (shown, inputs, before, context) => {
        const host = context.host(inputs.Host);
        return putBack(host, restoring(inputs, before, context), context, (trouble) =>
          failed(
            'CERTIFICATE_NOT_SHOWN',
            `${host.label}: the new pair was installed, and port ${inputs.Port} ${spoken(shown)}, not ${leafOf(inputs)?.serialNumber}; ${trouble === null ? 'the previous pair is back' : `the previous pair could not be put back: ${trouble}`}. ${advice(inputs)}`,
          ),
        );
      },
    },
  ),

  undo: {
    kind: 'restore',
    effect: proven<Undone, null, DetachedHandle, Outputs>(
      detached<Undone, null, Outputs>({
        host: ({ inputs }) => inputs.Host,
        script: ({ inputs, before }, _, context) => restoring(inputs, before, context),
        waitingFor: ({ inputs }) => `putting ${inputs.CertificateFile} back`,
        mayStartAnew: true,
        finish: (end, { inputs, before }) =>
          finished(end, inputs, leafOf(inputs)?.serialNumber ?? null, {
            serialNumber: before.serial,
            fingerprint256: before.fingerprint,
          }),
      }),
      ({ inputs }, { token }) => ({ Host: inputs.Host, Token: token }),
      {
        host: ({ inputs }) => inputs.Host,
        door: ({ inputs }) => doorOf(inputs),
        // Where the port showed something else than the file before, or nothing, there is no such state to go back to.
        wanted: ({ before }) => (before.served === before.fingerprint ? before.served : null),
        notShown: async (shown: Shown, { inputs, before }) =>
          failed(
            'CERTIFICATE_NOT_SHOWN',
            `${inputs.Host}: the previous pair is back in its files, and port ${inputs.Port} ${spoken(shown)}, not ${before.serial}. ${advice(inputs)}`,
          ),
      },
    ),
  },
});

function refuseBadPair(inputs: Inputs, context: ActionContext): void {
  const { label } = context.host(inputs.Host);
  const refuse = (code: string, message: string) =>
    new ActionFailure({ code, message: `${label}: ${message}. Nothing was written` });
  if (!context.isSecret(inputs.PrivateKey)) {
    throw refuse(
      'SECRET_WANTED',
      'the PrivateKey is not a secret, so that the journal would hold it: pass it as a parameter with secret: true',
    );
  }
  if (inputs.Certificate.length > certificateCharactersMax) {
    throw refuse(
      'CERTIFICATE_UNREADABLE',
      `Certificate has ${inputs.Certificate.length} characters, and at most ${certificateCharactersMax} are carried`,
    );
  }
  const verdict = checkPair(
    { certificate: inputs.Certificate, privateKey: inputs.PrivateKey },
    { names: inputs.ServerNames, ca: inputs.Ca, now: context.now() },
  );
  if (verdict.kind === 'bad') throw refuse(verdict.code, verdict.message);
}

const leafOf = ({ Certificate }: Inputs) => firstCertificate(Certificate);

function doorOf({ Address, Port, ServerName, ServerNames }: Inputs): Door {
  return {
    ...(Address === undefined ? {} : { Address }),
    Port,
    ServerName: ServerName ?? ServerNames[0] ?? 'localhost',
  };
}

const keyOf = ({ executionId }: ActionContext, { CertificateFile, KeyFile }: Inputs, before: Before) =>
  keepKey(executionId, CertificateFile, KeyFile, before.certificate, before.key);

/** SHA256 OWNER GROUP MODE, `-` each where there is no file. */
const wordsOf = (state: FileState) => state.split(' ').slice(1);
const shaOf = (state: FileState) => wordsOf(state)[0] ?? '-';
const unitOf = ({ Reload }: Inputs) => [Reload?.Service ?? '-', Reload?.Signal ?? '-'];

function restoring(inputs: Inputs, before: Before, context: ActionContext) {
  return restorePair([
    keyOf(context, inputs, before),
    inputs.CertificateFile,
    inputs.KeyFile,
    createHash('sha256').update(inputs.Certificate).digest('hex'),
    ...wordsOf(before.certificate),
    ...wordsOf(before.key),
    ...unitOf(inputs),
  ]);
}

function advice({ Reload, KeyFile }: Inputs): string {
  if (Reload === undefined) return 'No Reload is given: who reads the files when they are renamed?';
  return `Does ${Reload.Service} read ${KeyFile}, and what does journalctl -u ${Reload.Service} say?`;
}

/** `was`: the file as observed before the step; left out: as the script itself found it. */
function finished(
  end: DetachedEnd,
  { CertificateFile }: Inputs,
  from: string | null,
  now: { readonly serialNumber: string | null; readonly fingerprint256: string | null } | undefined,
  was?: FileState,
) {
  const said = fieldsOrFailure(end);
  if ('failure' in said) return said.failure;
  const serial = now?.serialNumber ?? null;
  const outputs: Outputs = {
    Serial: serial,
    Fingerprint: now?.fingerprint256 ?? null,
    Changed: (was ?? said.fields.one('was')) !== said.fields.one('is'),
  };
  const spelt = (number: string | null) => (number === null ? null : `serial ${number}`);
  const change = { target: end.host.name, subject: CertificateFile, from: spelt(from), to: spelt(serial) };
  return done(outputs, { changes: outputs.Changed ? [change] : [] });
}
