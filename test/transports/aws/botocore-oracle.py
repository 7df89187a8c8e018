"""botocore as a second opinion: what request it writes for an input, and what it reads from a reply.

Reads one JSON object a line, answers one a line. Bytes travel as base64, times as ISO text; the shapes say which is which.
"""
import base64
import datetime
import io
import json
import sys
from xml.etree import ElementTree

import botocore
import botocore.loaders
from botocore import model as models
from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict
from botocore.endpoint_provider import EndpointProvider

loader = botocore.loaders.create_loader()
cache = {}
ROUTE53_IDS = ('ResourceId', 'DelegationSetId', 'ChangeId')
route53 = False


def service_model(service, protocol):
    if service not in cache:
        loaded = loader.load_service_model(service, 'service-2')
        # What botocore's handlers do to these models.
        for operation in loaded['operations'].values():
            if 'RequiresAccountId' in operation.get('staticContextParams', {}):
                operation.pop('endpoint', None)
        if service == 's3':
            for operation in loaded['operations'].values():
                uri = operation['http']['requestUri']
                if uri.startswith('/{Bucket}'):
                    rest = uri[len('/{Bucket}'):]
                    operation['http']['requestUri'] = rest if rest.startswith('/') else '/' + rest
        cache[service] = models.ServiceModel(loaded, service)
    return cache[service]


def to_python(shape, value):
    if value is None:
        return None
    kind = shape.type_name
    if kind == 'structure':
        if shape.is_document_type:
            return value
        return {k: to_python(shape.members[k], v) for k, v in value.items() if k in shape.members}
    if kind == 'list':
        return [to_python(shape.member, v) for v in value]
    if kind == 'map':
        return {k: to_python(shape.value, v) for k, v in value.items()}
    if kind == 'blob':
        return base64.b64decode(value)
    if kind == 'timestamp':
        return datetime.datetime.fromisoformat(value.replace('Z', '+00:00'))
    if kind in ('float', 'double'):
        return float(value)
    if kind in ('integer', 'long'):
        return int(value)
    # What a handler of botocore does to the ids of Route 53.
    if shape.name in ROUTE53_IDS and route53:
        return value.split('/')[-1]
    return value


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat(timespec='milliseconds').replace('.000+00:00', 'Z').replace('+00:00', 'Z')
    if hasattr(value, 'read'):
        return base64.b64encode(value.read()).decode()
    return value


def request(ask):
    global route53
    route53 = ask['service'] == 'route53'
    service = service_model(ask['service'], ask['protocol'])
    operation = service.operation_model(ask['operation'])
    serializer = serialize.create_serializer(ask['protocol'], include_validation=False)
    params = to_python(operation.input_shape, ask['params']) if operation.input_shape else {}
    wire = serializer.serialize_to_request(params, operation)
    body = wire.get('body')
    form = None
    if isinstance(body, dict):
        form = {k: plain(v) for k, v in body.items()}
        body = b''
    if isinstance(body, str):
        body = body.encode()
    query = wire.get('query_string') or {}
    if isinstance(query, str):
        query = {}
    return {
        'method': wire['method'],
        'path': wire['url_path'],
        'query': {k: v if isinstance(v, list) else [v] for k, v in (query.items() if isinstance(query, dict) else query)},
        'headers': {k.lower(): str(v) for k, v in wire['headers'].items()},
        'form': form,
        'body': base64.b64encode(body or b'').decode(),
        'hostPrefix': wire.get('host_prefix'),
    }


class ReplySerializer(serialize.RestXMLSerializer):
    """Writes the items of a flattened list under the name that the parser looks for."""

    def _serialize_body_params(self, params, shape):
        holder = ElementTree.Element('holder')
        self._serialize(shape, params, holder, shape.serialization.get('name', shape.name))
        return ElementTree.tostring(holder[0])

    def _serialize_type_list(self, xmlnode, params, shape, name):
        if shape.serialization.get('flattened'):
            name = shape.member.serialization.get('name', name)
        super()._serialize_type_list(xmlnode, params, shape, name)


def wire_of(ask, service, operation):
    """The reply that carries the value: botocore writes requests, so the output shape is written as if it were an input."""
    protocol, shape = ask['protocol'], operation.output_shape
    if shape is None:
        value = {}
    else:
        sent = {k: v for k, v in ask['value'].items() if shape.members[k].serialization.get('location') != 'statusCode'}
        value = to_python(shape, sent)
    name = operation.name
    if protocol in ('query', 'ec2'):
        serializer = ReplySerializer()
        root = ElementTree.Element(name + 'Response')
        if protocol == 'query':
            if shape is not None:
                serializer._serialize(shape, value, root, name + 'Result')
            metadata = ElementTree.SubElement(root, 'ResponseMetadata')
            ElementTree.SubElement(metadata, 'RequestId').text = 'request-1'
        else:
            if shape is not None:
                holder = ElementTree.Element('holder')
                serializer._serialize(shape, value, holder, name + 'Response')
                root = holder[0]
            ElementTree.SubElement(root, 'requestId').text = 'request-1'
        return {}, ElementTree.tostring(root)
    if shape is None:
        return {}, b'' if protocol.startswith('rest') else (b'{}' if protocol == 'json' else b'\xa0')
    loaded = json.loads(json.dumps(loader.load_service_model(ask['service'], 'service-2')['operations'][name]))
    loaded['input'] = {'shape': loaded['output']['shape'], 'locationName': name + 'Result'}
    loaded['http'] = {'method': 'POST', 'requestUri': '/'}
    loaded.pop('endpoint', None)
    turned = models.OperationModel(loaded, service, name)
    serializer = ReplySerializer() if protocol == 'rest-xml' else serialize.create_serializer(protocol, include_validation=False)
    wire = serializer.serialize_to_request(value, turned)
    body = wire.get('body') or b''
    if isinstance(body, str):
        body = body.encode()
    return {k: str(v) for k, v in wire['headers'].items()}, body


def reply(ask):
    global route53
    route53 = False
    service = service_model(ask['service'], ask['protocol'])
    operation = service.operation_model(ask['operation'])
    parser = parsers.create_parser(ask['protocol'])
    sent, body = wire_of(ask, service, operation)
    headers = HeadersDict()
    for key, value in sent.items():
        headers[key] = value
    if ask['protocol'] == 'smithy-rpc-v2-cbor':
        headers['smithy-protocol'] = 'rpc-v2-cbor'
    raw = io.BytesIO(body) if operation.has_streaming_output else body
    parsed = parser.parse({'status_code': 200, 'headers': headers, 'body': raw}, operation.output_shape)
    parsed.pop('ResponseMetadata', None)
    return {
        'headers': {k.lower(): v for k, v in headers.items()},
        'body': base64.b64encode(body).decode(),
        'parsed': plain(parsed),
    }


def endpoint(ask):
    rules = loader.load_service_model(ask['service'], 'endpoint-rule-set-1')
    partitions = loader.load_data('partitions')
    provider = EndpointProvider(rules, partitions)
    found = provider.resolve_endpoint(**ask['params'])
    schemes = found.properties.get('authSchemes') or []
    return {
        'url': found.url,
        'schemes': [
            {k: s[k] for k in ('name', 'signingName', 'signingRegion') if k in s} for s in schemes
        ],
    }


answers = {'request': request, 'reply': reply, 'endpoint': endpoint}
print(json.dumps({'version': botocore.__version__, 'path': botocore.__path__[0]}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = answers[asked['ask']](asked)
    except Exception as error:  # the answer says what botocore would not do
        answer = {'error': f'{type(error).__name__}: {error}'}
    print(json.dumps(answer, default=str), flush=True)
