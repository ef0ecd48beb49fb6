using System.Text;
using Gristmill.Store.Payloads;

namespace Gristmill.Store.Tests.Payloads;

/// <summary>
/// Messages of another library as jobs of a queue that takes them: as Celery 5.2 and Sidekiq 6.4 wrote them, and Laravel 11
/// and Resque 2 by their documented forms.
/// </summary>
public sealed class DialectTests
{
    private const string Celery = """{"body": "W1sxLCAyXSwge30sIHt9XQ==", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": "speech.add", "id": "f709e234-ddb1-41b9-a53d-13c4f71e1e0a", "shadow": null, "eta": "2026-11-27T21:48:20.207482+00:00", "expires": "2026-11-27T21:49:17.207482+00:00", "group": null, "group_index": null, "retries": 0, "timelimit": [null, null], "root_id": "f709e234", "parent_id": null, "argsrepr": "(1, 2)", "kwargsrepr": "{}", "origin": "gen25888@vm", "ignore_result": true}, "properties": {"correlation_id": "f709e234", "reply_to": "aee44ac6", "delivery_mode": 2, "expiration": "60000", "delivery_info": {"exchange": "", "routing_key": "q"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "154a830b-921f-41fe-bb22-5280d1c33ed3"}}""";
    private const string Sidekiq = """{"retry":true,"queue":"mail","class":"HardWorker","args":["bob",5],"jid":"af97e506a7bac1df2c25c59f","created_at":1795816097.80431,"enqueued_at":1795816097.8045332}""";
    private const string Resque = """{"class":"HardWorker","args":["bob",5]}""";
    private const string Laravel = """{"uuid":"5f1c","displayName":"App\\Jobs\\Send","job":"Illuminate\\Queue\\CallQueuedHandler@call","maxTries":null,"timeout":90,"data":{"commandName":"App\\Jobs\\Send","command":"O:13"},"id":"a","attempts":0}""";
    private const long Eta = 1_795_816_100_207;

    private static (PayloadFault? Fault, JobHeader Header) Read(string payload, Dialect? dialect, JobHeader? header = null, bool opaque = false)
    {
        header ??= new JobHeader();
        return (PayloadReader.Read(Encoding.UTF8.GetBytes(payload), PayloadFields.Default, opaque, header, dialect), header);
    }

    private static string With(string member, string value)
    {
        var start = Celery.IndexOf($"\"{member}\": ", StringComparison.Ordinal) + member.Length + 4;
        var end = Celery.IndexOf(", \"", start, StringComparison.Ordinal);
        return Celery[..start] + value + Celery[end..];
    }

    [Fact]
    public void Headers_of_celery_give_the_id_and_the_times()
    {
        var (fault, header) = Read(Celery, Dialect.Celery);
        Assert.Null(fault);
        Assert.Equal(("f709e234-ddb1-41b9-a53d-13c4f71e1e0a", Eta, Eta + 57_000), (header.Id, header.Due, header.Expires));
    }

    [Theory]
    [InlineData(Celery, "\"headers\": {", Dialect.Celery)]
    [InlineData(Celery, "{\"body\"", Dialect.Celery)]
    [InlineData(Sidekiq, "{", Dialect.Sidekiq)]
    [InlineData(Laravel, "{", Dialect.Laravel)]
    public void Name_that_is_no_Unicode_is_one_that_nobody_knows(string message, string before, Dialect dialect)
    {
        var hostile = message.Replace(before, before.Replace("{", "{\"\\ud800\":1,\"retry\\udc00\":[],", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.NotEqual(message, hostile);
        var (fault, header) = Read(hostile, dialect);
        Assert.Null(fault);
        Assert.Equal(Read(message, dialect).Header.Id, header.Id);
        Assert.Equal(16, Fingerprint.Of(Encoding.UTF8.GetBytes(hostile), PayloadFields.Default, dialect).Length);
    }

    [Theory]
    [InlineData(Sidekiq, Dialect.Sidekiq, "af97e506a7bac1df2c25c59f")]
    [InlineData(Resque, Dialect.Resque, null)]
    [InlineData(Laravel, Dialect.Laravel, "5f1c")]
    public void Message_of_the_queues_dialect_is_a_job_with_its_id(string message, Dialect dialect, string? id)
    {
        var (fault, header) = Read(message, dialect);
        Assert.Null(fault);
        Assert.Equal((id, 0, 0), (header.Id, header.Due, header.Expires));
    }

    [Theory]
    [InlineData(Sidekiq, "Sidekiq", Dialect.Celery)]
    [InlineData(Resque, "Resque", Dialect.Sidekiq)]
    [InlineData(Laravel, "Laravel", Dialect.Resque)]
    [InlineData(Celery, "Celery", Dialect.Laravel)]
    [InlineData(Celery, "Celery", null)]
    public void Message_of_another_dialect_is_foreign_and_gives_nothing(string message, string library, Dialect? dialect)
    {
        var (fault, header) = Read(message, dialect);
        Assert.Equal("foreign_dialect", fault?.Reason);
        Assert.Contains(library, fault!.Message, StringComparison.Ordinal);
        Assert.Equal((null, 0, 0), (header.Id, header.Due, header.Expires));
    }

    [Fact]
    public void Plain_json_is_a_job_beside_them()
    {
        var (fault, header) = Read("""{"job_id":"a","headers":{"id":"b","eta":"never"},"jid":"c","retry_count":2}""", Dialect.Celery);
        Assert.Null(fault);
        Assert.Equal(("a", 0, 2), (header.Id, header.Due, header.MaxRetries));
    }

    [Fact]
    public void Queues_own_fields_come_first()
    {
        var (fault, header) = Read(With("eta", "\"soon\"")[..^1] + ",\"job_id\":\"mine\",\"run_at\":1800000000}", Dialect.Celery);
        Assert.Null(fault);
        Assert.Equal(("mine", 1_800_000_000_000), (header.Id, header.Due));
    }

    [Fact]
    public void Id_that_the_client_gave_stands()
    {
        var (fault, header) = Read(With("id", "\"\""), Dialect.Celery, new JobHeader { Raw = true, Id = "given" });
        Assert.Equal((null, "given"), (fault, header.Id));
    }

    [Theory]
    [InlineData("eta", "\"soon\"", "The field 'headers.eta' is \"soon\"; expected is a time (ISO 8601 or Unix seconds).")]
    [InlineData("eta", "[1]", "The field 'headers.eta' is a JSON array; expected is a time (ISO 8601 or Unix seconds).")]
    [InlineData("eta", "\"\\uD800\"", "The field 'headers.eta' is no valid Unicode text.")]
    [InlineData("expires", "\"later\"", "The field 'headers.expires' is \"later\"; expected is a time (ISO 8601 or Unix seconds).")]
    [InlineData("id", "\"\"", "The field 'headers.id' is empty; 1 to 256 bytes of text are expected.")]
    [InlineData("id", "{}", "The field 'headers.id' is a JSON object; expected is a string or a number.")]
    [InlineData("id", "\"\\uD800\"", "The field 'headers.id' is no valid Unicode text.")]
    public void Header_that_cannot_be_read_is_named(string member, string value, string message)
    {
        var (fault, header) = Read(With(member, value), Dialect.Celery);
        Assert.Equal(new PayloadFault("invalid_field", message), fault);
        Assert.Equal(member == "id" ? null : "f709e234-ddb1-41b9-a53d-13c4f71e1e0a", header.Id);
    }

    [Fact]
    public void Id_of_sidekiq_that_cannot_be_read_is_named() =>
        Assert.Equal("The field 'jid' is empty; 1 to 256 bytes of text are expected.", Read(Sidekiq.Replace("af97e506a7bac1df2c25c59f", "", StringComparison.Ordinal), Dialect.Sidekiq).Fault?.Message);

    [Fact]
    public void Time_without_an_offset_is_utc_and_one_long_ago_is_no_time_that_is_missing()
    {
        Assert.Equal(1_893_456_000_000, Read(With("eta", "\"2030-01-01T00:00:00\""), Dialect.Celery).Header.Due);
        Assert.Equal(1, Read(With("expires", "\"1960-01-01T00:00:00\""), Dialect.Celery).Header.Expires);
    }

    // Sidekiq counts there how often it has tried.
    [Fact]
    public void Retries_that_sidekiq_has_counted_are_no_number_of_ours()
    {
        Assert.Null(Read(Sidekiq[..^1] + ",\"retry_count\":0}", Dialect.Sidekiq).Header.MaxRetries);
        Assert.Equal(0, Read("""{"retry_count":0}""", Dialect.Sidekiq).Header.MaxRetries);
    }

    [Fact]
    public void Laravels_timeout_is_the_jobs() => Assert.Equal(90_000, Read(Laravel, Dialect.Laravel).Header.Timeout);

    [Theory]
    [InlineData("{")]
    [InlineData("} x")]
    public void Message_that_is_cut_or_followed_by_more_is_malformed(string end)
    {
        var broken = Celery[..^1] + end;
        Assert.Equal("malformed", Read(broken, Dialect.Celery).Fault?.Reason);
        Assert.Null(Read(broken, Dialect.Celery, opaque: true).Fault);
    }

    [Fact]
    public void Message_with_space_before_it_is_one_too() => Assert.Equal("5f1c", Read(" \n" + Laravel, Dialect.Laravel).Header.Id);

    // A producer whose connection broke sends the same task with another delivery_tag.
    [Fact]
    public void Task_that_is_sent_again_is_the_same_job()
    {
        var again = Celery.Replace("154a830b-921f-41fe-bb22-5280d1c33ed3", "c03a2edf-dd76-4694-bbef-c22d56505cb5", StringComparison.Ordinal);
        Assert.Equal(Print(Celery, Dialect.Celery), Print(again, Dialect.Celery));
        Assert.NotEqual(Print(Celery, null), Print(again, null));
        Assert.NotEqual(Print(Celery, Dialect.Celery), Print(Celery.Replace("W1sxLCAy", "W1sxLCAz", StringComparison.Ordinal), Dialect.Celery));
        Assert.NotEqual(Print("""{"properties":1}""", Dialect.Celery), Print("""{"properties":2}""", Dialect.Celery));

        static string Print(string payload, Dialect? dialect) => Fingerprint.Of(Encoding.UTF8.GetBytes(payload), PayloadFields.Default, dialect);
    }

    [Fact]
    public void Owner_is_nobody_where_it_is_the_queues_dialect()
    {
        var ends = new ListEnds(2, Encoding.UTF8.GetBytes(Celery), Encoding.UTF8.GetBytes(Celery), IsBound: true);
        Assert.Equal((null, "Celery", "Celery"), (ends.OwnerOf("q", Dialect.Celery), ends.OwnerOf("q", Dialect.Sidekiq), ends.OwnerOf("q", null)));
    }
}
