/** What the cluster's hosts are told: MinIO's environment, nginx in front of it, the backup target's keys. */
import type { KeyPair } from './s3.ts';

export const minioNodes = ['minio01', 'minio02', 'minio03', 'minio04'] as const;
export type MinioNode = (typeof minioNodes)[number];

export const drivesPerNode = 4;

/** Paths on the hosts, as S0 has them. */
export const paths = {
  /** The EnvironmentFile of minio.service. */
  environment: '/etc/minio/minio.conf',
  certificate: '/home/minio-user/.minio/certs/public.crt',
  privateKey: '/home/minio-user/.minio/certs/private.key',
  authority: '/home/minio-user/.minio/certs/CAs/ca.crt',
  binary: '/usr/local/bin/minio',
  /** Where an upgrade finds the next release, once staged. */
  nextBinary: '/usr/local/bin/minio.new',
  nginxConfiguration: '/etc/nginx/conf.d/minio.conf',
  nginxCertificate: '/etc/nginx/tls/minio.crt',
  nginxPrivateKey: '/etc/nginx/tls/minio.key',
  nginxAuthority: '/etc/nginx/tls/ca.crt',
  /** One line a request: time, status, method, path, the node that was asked and what it answered. */
  nginxAccessLog: '/var/log/nginx/minio.log',
  backupEnvironment: '/etc/versitygw.conf',
} as const;

/** On lb1 only: `curl -s` shows nginx's stub status. */
export const nginxStatusUrl = 'http://127.0.0.1:8080/status';

export function minioEnvironment(root: KeyPair): string {
  return `MINIO_VOLUMES="https://minio0{1...${minioNodes.length}}.lab:9000/stg/data/data{1...${drivesPerNode}}"
MINIO_OPTS="--address :9000 --console-address :9001"
MINIO_ROOT_USER=${root.accessKey}
MINIO_ROOT_PASSWORD=${root.secretKey}
`;
}

export function backupEnvironment(keys: KeyPair): string {
  return `ROOT_ACCESS_KEY=${keys.accessKey}\nROOT_SECRET_KEY=${keys.secretKey}\n`;
}

/**
 * TLS ends here and begins again towards the nodes, which are verified. Host is kept, or signatures would fail; bodies
 * are not collected first, so that large objects pass.
 */
export function nginxConfiguration(): string {
  const servers = minioNodes.map((node) => `  server ${node}.lab:9000 max_fails=1 fail_timeout=5s;`);
  return `upstream minio {
  least_conn;
${servers.join('\n')}
  keepalive 16;
}
log_format upstream '$msec $status $request_method $uri upstream=$upstream_addr answered=$upstream_status seconds=$request_time';
server {
  listen 443 ssl;
  server_name minio.lab;
  ssl_certificate tls/minio.crt;
  ssl_certificate_key tls/minio.key;
  access_log ${paths.nginxAccessLog} upstream;
  ignore_invalid_headers off;
  client_max_body_size 0;
  proxy_buffering off;
  proxy_request_buffering off;
  location / {
    proxy_pass https://minio;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_connect_timeout 2s;
    proxy_read_timeout 60s;
    proxy_ssl_trusted_certificate tls/ca.crt;
    proxy_ssl_verify on;
    proxy_ssl_name minio.lab;
  }
}
server {
  listen 127.0.0.1:8080;
  location /status { stub_status; access_log off; }
}
`;
}
