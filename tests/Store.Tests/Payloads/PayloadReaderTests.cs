using System.Text;
using Gristmill.Store.Payloads;

namespace Gristmill.Store.Tests.Payloads;

public sealed class PayloadReaderTests
{
    private static (PayloadFault? Fault, JobHeader Header) Read(string payload, bool opaque = false, PayloadFields? fields = null)
    {
        var header = new JobHeader();
        return (PayloadReader.Read(Encoding.UTF8.GetBytes(payload), fields ?? PayloadFields.Default, opaque, header), header);
    }

    [Fact]
    public void Members_of_sessions_are_read_only_where_the_queue_has_sessions()
    {
        const string payload = """{"session_id":"s","sequence":7,"session_total":9,"session_end":true}""";
        var (fault, header) = Read(payload, fields: PayloadFields.Default.WithSessions());
        Assert.Null(fault);
        Assert.Equal((7, 9, true), (header.Sequence, header.SessionTotal, header.SessionEnd));
        var (other, plain) = Read("""{"sequence":"third","session_total":[],"session_end":"no","":1}""");
        Assert.Null(other);
        Assert.Equal((null, null, false), (plain.Sequence, plain.SessionTotal, plain.SessionEnd));
        Assert.Equal(3, Read("""{"chunk":3}""", fields: (PayloadFields.Default with { Sequence = "chunk" }).WithSessions()).Header.Sequence);
    }

    [Theory]
    [InlineData("""{"sequence":-1}""", "The field 'sequence' is -1; expected is a whole number from 0 to 536870911.")]
    [InlineData("""{"sequence":536870912}""", "The field 'sequence' is 536870912; expected is a whole number from 0 to 536870911.")]
    [InlineData("""{"sequence":"7"}""", "The field 'sequence' is \"7\"; expected is a whole number from 0 to 536870911.")]
    [InlineData("""{"session_total":0}""", "The field 'session_total' is 0; expected is a whole number from 1 to 536870911.")]
    [InlineData("""{"session_end":1}""", "The field 'session_end' is 1; expected is true or false.")]
    public void Member_of_a_session_that_is_wrong_is_named_with_its_bound(string payload, string message) =>
        Assert.Equal(new PayloadFault("invalid_field", message), Read(payload, fields: PayloadFields.Default.WithSessions()).Fault);

    [Fact]
    public void Payload_with_every_field_fills_the_header()
    {
        var (fault, header) = Read("""
            {"job_id":"j","session_id":"s","queued_at":1700000000.5,"priority":"high","timeout":1.5,"retry_count":4,"retry_delay":2,
             "run_at":"2030-01-01T00:00:00Z","depends_on":["a",7,"a"],"reply_to":"r","traceparent":"tp","tracestate":"ts","other":{"job_id":"no"}}
            """);

        Assert.Null(fault);
        Assert.Equal(("j", "s", 1_700_000_000_500, 2, 1500L, 4, 2000L), (header.Id, header.SessionId, header.QueuedAt, header.Priority, header.Timeout, header.MaxRetries, header.RetryDelay));
        Assert.Equal((1_893_456_000_000, "r", "tp", "ts"), (header.Due, header.ReplyTo, header.TraceParent, header.TraceState));
        Assert.Equal(["a", "7"], header.DependsOn);
    }

    [Theory]
    [InlineData("""{"job_id":1180591620717411303424}""", "1180591620717411303424")]
    [InlineData("""{"job_id":9007199254740993}""", "9007199254740993")]
    [InlineData("""{"job_id":"\u00fc"}""", "ü")]
    [InlineData("""{"job_id":null}""", null)]
    [InlineData("""{"job_id":"a","job_id":"b"}""", "b")]
    [InlineData("""{"job\u005fid":"escaped"}""", "escaped")]
    [InlineData("""{"\ud800":1,"job_id":"behind"}""", "behind")]
    [InlineData("""{"job_id\udc00":1}""", null)]
    public void Id_keeps_all_its_characters(string payload, string? id) => Assert.Equal((null, id), (Read(payload).Fault, Read(payload).Header.Id));

    [Theory]
    [InlineData("""{"job_id":""}""", "The field 'job_id' is empty; 1 to 256 bytes of text are expected.")]
    [InlineData("""{"job_id":true}""", "The field 'job_id' is true; expected is a string or a number.")]
    [InlineData("""{"job_id":{"a":1}}""", "The field 'job_id' is a JSON object; expected is a string or a number.")]
    [InlineData("""{"job_id":"a\u0000b"}""", "The field 'job_id' has control characters; 1 to 256 bytes of text are expected.")]
    [InlineData("""{"job_id":"a\nb"}""", "The field 'job_id' has control characters; 1 to 256 bytes of text are expected.")]
    [InlineData("""{"job_id":"\ud800"}""", "The field 'job_id' is no valid Unicode text.")]
    [InlineData("""{"session_id":[1]}""", "The field 'session_id' is a JSON array; expected is a string or a number.")]
    [InlineData("""{"priority":10}""", "The field 'priority' is 10; expected is \"high\", \"normal\", \"low\" or a whole number from 0 (first) to 9.")]
    [InlineData("""{"priority":1.5}""", "The field 'priority' is 1.5; expected is \"high\", \"normal\", \"low\" or a whole number from 0 (first) to 9.")]
    [InlineData("""{"priority":"urgent"}""", "The field 'priority' is \"urgent\"; expected is \"high\", \"normal\", \"low\" or a whole number from 0 (first) to 9.")]
    [InlineData("""{"timeout":0}""", "The field 'timeout' is 0; expected is seconds, a number from 0.001 to 2592000.")]
    [InlineData("""{"timeout":"30"}""", "The field 'timeout' is \"30\"; expected is seconds, a number from 0.001 to 2592000.")]
    [InlineData("""{"timeout":1e400}""", "The field 'timeout' is 1e400; expected is seconds, a number from 0.001 to 2592000.")]
    [InlineData("""{"retry_count":-1}""", "The field 'retry_count' is -1; expected is a whole number from 0 to 1000.")]
    [InlineData("""{"retry_count":1001}""", "The field 'retry_count' is 1001; expected is a whole number from 0 to 1000.")]
    [InlineData("""{"retry_delay":86401}""", "The field 'retry_delay' is 86401; expected is seconds, a number from 0 to 86400.")]
    [InlineData("""{"run_at":"soon"}""", "The field 'run_at' is \"soon\"; expected is a time (ISO 8601 or Unix seconds).")]
    [InlineData("""{"run_at":"9999-01-01"}""", "The field 'run_at' is \"9999-01-01\"; expected is a time (ISO 8601 or Unix seconds).")]
    [InlineData("""{"run_at":100000000000}""", "The field 'run_at' is 100000000000; expected is a time (ISO 8601 or Unix seconds).")]
    [InlineData("""{"queued_at":[]}""", "The field 'queued_at' is a JSON array; expected is a time (ISO 8601 or Unix seconds).")]
    [InlineData("""{"depends_on":[""]}""", "The field 'depends_on' is not an id or an array of at most 100 ids.")]
    [InlineData("""{"depends_on":[{"a":[1]},"b"]}""", "The field 'depends_on' is not an id or an array of at most 100 ids.")]
    [InlineData("""{"depends_on":{}}""", "The field 'depends_on' is a JSON object; expected is an id or an array of at most 100 ids.")]
    [InlineData("""{"reply_to":""}""", "The field 'reply_to' is \"\"; expected is the name of a list, 1 to 1024 bytes.")]
    [InlineData("""{"traceparent":1}""", "The field 'traceparent' is 1; expected is a string.")]
    public void Field_that_breaks_its_rule_is_named(string payload, string message)
    {
        Assert.Equal(new PayloadFault("invalid_field", message), Read(payload).Fault);
        Assert.Equal(message, Read(payload, opaque: true).Fault?.Message);
    }

    [Fact]
    public void Bounds_of_lengths_hold()
    {
        Assert.Null(Read($$"""{"job_id":"{{new string('x', 256)}}"}""").Fault);
        Assert.NotNull(Read($$"""{"job_id":"{{new string('x', 257)}}"}""").Fault);
        Assert.NotNull(Read($$"""{"job_id":"{{new string('ü', 129)}}"}""").Fault);
        Assert.NotNull(Read($$"""{"job_id":{{new string('9', 257)}}}""").Fault);
        Assert.NotNull(Read($$"""{"session_id":{{new string('9', 257)}}}""").Fault);
        Assert.Null(Read($$"""{"depends_on":[{{string.Join(',', Enumerable.Range(0, 100))}}]}""").Fault);
        Assert.NotNull(Read($$"""{"depends_on":[{{string.Join(',', Enumerable.Range(0, 101))}}]}""").Fault);
        Assert.Null(Read($$"""{"tracestate":"{{new string('x', 600)}}"}""").Header.TraceState);
        Assert.Null(Read(Nested(64)).Fault);
        Assert.Equal("malformed", Read(Nested(65)).Fault?.Reason);
    }

    private static string Nested(int depth) => $$"""{"a":{{new string('[', depth - 1)}}{{new string(']', depth - 1)}}}""";

    [Theory]
    [InlineData("", "The payload is empty; a JSON object is expected.")]
    [InlineData("[1]", "The payload is a JSON array; a JSON object is expected.")]
    [InlineData("7", "The payload is a JSON number; a JSON object is expected.")]
    [InlineData("null", "The payload is a JSON null; a JSON object is expected.")]
    [InlineData("{", "The payload is not JSON: *")]
    [InlineData("{} x", "The payload is not JSON: *")]
    [InlineData("hello", "The payload is not JSON: *")]
    [InlineData("   ", "The payload is not JSON: *")]
    public void Payload_that_is_no_object_is_malformed_unless_opaque_ones_are_allowed(string payload, string message)
    {
        var fault = Read(payload).Fault;
        Assert.Equal("malformed", fault?.Reason);
        if (message.EndsWith('*')) Assert.StartsWith(message[..^1], fault!.Message, StringComparison.Ordinal);
        else Assert.Equal(message, fault!.Message);
        Assert.Null(Read(payload, opaque: true).Fault);
    }

    [Fact]
    public void Bytes_that_are_no_utf8_are_malformed()
    {
        byte[] payload = [.. "{\"a\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        Assert.Equal("malformed", PayloadReader.Read(payload, PayloadFields.Default, false, new JobHeader())?.Reason);
        Assert.Null(PayloadReader.Read(payload, PayloadFields.Default, true, new JobHeader()));
    }

    [Fact]
    public void Names_of_fields_can_be_mapped()
    {
        var (fault, header) = Read("""{"uid":"a","job_id":"b"}""", fields: new PayloadFields { JobId = "uid" });
        Assert.Equal((null, "a"), (fault, header.Id));
    }

    // The first as kombu 5 writes it for Celery's protocol 2, the others as the libraries' clients push them.
    [Theory]
    [InlineData("""{"body": "W1s3XSwge30sIHsiY2FsbGJhY2tzIjogbnVsbH1d", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": "tasks.add", "id": "c8a3", "shadow": null, "eta": null, "expires": null, "group": null, "retries": 0, "timelimit": [null, null], "root_id": "c8a3", "parent_id": null, "argsrepr": "(7,)", "kwargsrepr": "{}", "origin": "gen1@host"}, "properties": {"correlation_id": "c8a3", "reply_to": "5b1e", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "9f"}}""", "Celery")]
    [InlineData("""{"retry":true,"queue":"default","class":"HardWorker","args":["bob",5],"jid":"b4a577edbccf1d805744efa9","created_at":1700000000.1,"enqueued_at":1700000000.2}""", "Sidekiq")]
    [InlineData("""{"class":"Archive","args":[35,"web"]}""", "Resque")]
    [InlineData("""{"uuid":"e7","displayName":"App\\Jobs\\Ship","job":"Illuminate\\Queue\\CallQueuedHandler@call","maxTries":null,"timeout":null,"data":{"commandName":"App\\Jobs\\Ship","command":"O:13"},"id":"x","attempts":0}""", "Laravel")]
    public void Message_of_another_library_is_recognised(string payload, string library)
    {
        var fault = Read(payload).Fault;
        Assert.Equal("foreign_dialect", fault?.Reason);
        Assert.Contains(library, fault!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"class":"a","args":[],"job_id":"1"}""")]
    [InlineData("""{"body":"b","headers":{}}""")]
    [InlineData("""{"job":"j","data":1}""")]
    public void Payload_that_shares_some_names_with_another_library_is_a_job(string payload) => Assert.Null(Read(payload).Fault);

    [Fact]
    public void Garbage_is_a_fault_and_never_an_exception()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var valid = """{"job_id":"a","priority":3,"depends_on":["x"],"run_at":"2030-01-01","timeout":1.5,"reply_to":"r","queued_at":1}"""u8.ToArray();
        for (var round = 0; round < 20_000; round++)
        {
            var payload = round % 3 == 0 ? new byte[random.Next(60)] : [.. valid];
            if (round % 3 == 0) random.NextBytes(payload);
            else for (var hit = random.Next(1, 5); hit > 0; hit--) payload[random.Next(payload.Length)] = round % 3 == 1 ? (byte)random.Next(256) : valid[random.Next(valid.Length)];
            try
            {
                var header = new JobHeader();
                if (PayloadReader.Read(payload, PayloadFields.Default, random.Next(2) == 0, header) is null) JobHeader.Parse(header.ToBytes());
                Assert.Equal(16, Fingerprint.Of(payload, PayloadFields.Default).Length);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, round {round}, {Convert.ToHexString(payload)}: {e}");
            }
        }
    }
}
