using System.Globalization;
using System.Text.Json.Nodes;
using Gristmill.Client;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Microsoft.OpenApi;

namespace Gristmill.Silo.Http.Document;

/// <summary>The schemas of what calls read. They read it themselves, field by field, to name the wrong one; the bounds are theirs.</summary>
internal static class Schemas
{
    private const int MostIdBytes = 256;
    private const int MostOrder = 536_870_911;

    /// <summary>A job to be enqueued.</summary>
    public static OpenApiSchema Job() => Object(
        new()
        {
            ["payload"] = new OpenApiSchema { Description = "The job's payload, kept byte by byte: an object, unless the queue takes anything (AllowOpaque)." },
            ["id"] = IdOr("The job's id; enqueueing it again is harmless. Without one the store gives it."),
            ["sessionId"] = IdOr("The session that it belongs to."),
            ["sequence"] = Whole(0, MostOrder, "Its place in the session's order, where the queue orders sessions by number."),
            ["sessionTotal"] = Whole(1, MostOrder, "How many jobs the session has."),
            ["sessionEnd"] = new OpenApiSchema { Type = JsonSchemaType.Boolean, Description = "Whether it is the session's last job." },
            ["priority"] = OneOf("0 (first) to 9, or a name.", Whole(0, 9), Words("high", "normal", "low"), new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^[0-9]$" }),
            ["maxAttempts"] = Whole(1, 1001, "Attempts in all."),
            ["timeoutSeconds"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Number, Description = "The limit of one attempt.",
                Minimum = PayloadReader.MinTimeoutSeconds.ToString(CultureInfo.InvariantCulture), Maximum = PayloadReader.MaxTimeoutSeconds.ToString(CultureInfo.InvariantCulture),
            },
            ["runAt"] = OneOf("Not before: ISO 8601, or Unix seconds.", Time(), new OpenApiSchema { Type = JsonSchemaType.Number, ExclusiveMinimum = "0", ExclusiveMaximum = "253402300800" }),
            ["dependsOn"] = OneOf(
                "Jobs of the same queue that must complete first.", Text(1, MostIdBytes),
                new OpenApiSchema { Type = JsonSchemaType.Array, Items = OneOf(null, Text(1, MostIdBytes), new OpenApiSchema { Type = JsonSchemaType.Integer }) }),
            ["replyTo"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The Redis list that gets the outcome; the queue must allow its prefix (ReplyToPrefixes)." },
        },
        "payload");

    /// <summary>Many jobs.</summary>
    public static OpenApiSchema Batch() => new() { Type = JsonSchemaType.Array, Items = Job(), MaxItems = IQueueClient.MaxBatch };

    /// <summary>What comes with every error.</summary>
    public static OpenApiSchema Problem() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "What went wrong (RFC 9457). Some kinds have members of their own.",
        Required = new HashSet<string> { "type", "title", "status", "detail" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^urn:gristmill:[a-z_]+$", Description = "A stable word for programs." },
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What is wrong, the same for each of its kind." },
            ["status"] = Whole(400, 599, "The status of the answer."),
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What is wrong here: names the field, its value and the bound." },
            ["field"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The field." },
        },
    };

    /// <summary>A part of a path.</summary>
    public static OpenApiSchema OfPath(string name) => name == "queue"
        ? new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^[A-Za-z0-9._:-]{1,128}$" }
        : new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, Description = "Any text, escaped once." };

    /// <summary>Why a job is cancelled.</summary>
    public static OpenApiSchema Reason() => Object(new() { ["reason"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "For people; what is longer than 256 characters is cut." } });

    /// <summary>The payload that replaces a dead letter's.</summary>
    public static OpenApiSchema Edit() => Object(new() { ["payload"] = new OpenApiSchema { Description = "The payload that replaces the job's." } }, "payload");

    /// <summary>Which dead letters.</summary>
    public static OpenApiSchema Filter() => Object(new()
    {
        ["reason"] = DeadReason(), ["sessionId"] = Text(1, MostIdBytes), ["diedBefore"] = Time(), ["diedSince"] = Time(),
    });

    /// <summary>A reason of dead letters.</summary>
    public static OpenApiSchema DeadReason() => Words([.. DeadReasons.All]);

    /// <summary>A state of jobs.</summary>
    public static OpenApiSchema State() => Words([.. Enum.GetValues<JobState>().Select(JobStates.Name)]);

    public static OpenApiSchema Time() => new() { Type = JsonSchemaType.String, Format = "date-time" };

    public static OpenApiSchema Text(int least, int most) => new() { Type = JsonSchemaType.String, MinLength = least, MaxLength = most };

    public static OpenApiSchema Whole(int least, int most, int? usual = null) => new()
    {
        Type = JsonSchemaType.Integer, Minimum = Number(least), Maximum = Number(most), Default = usual is { } value ? JsonValue.Create(value) : null,
    };

    private static OpenApiSchema Whole(int least, int most, string description)
    {
        var schema = Whole(least, most);
        schema.Description = description;
        return schema;
    }

    private static OpenApiSchema Words(params string[] words) => new() { Type = JsonSchemaType.String, Enum = [.. words.Select(w => (JsonNode)JsonValue.Create(w))] };

    private static OpenApiSchema IdOr(string description) => OneOf(description, Text(1, MostIdBytes), new OpenApiSchema { Type = JsonSchemaType.Number });

    private static OpenApiSchema OneOf(string? description, params OpenApiSchema[] schemas) => new() { Description = description, AnyOf = [.. schemas] };

    private static OpenApiSchema Object(Dictionary<string, IOpenApiSchema> members, params string[] required) => new()
    {
        Type = JsonSchemaType.Object, Properties = members, Required = new HashSet<string>(required), AdditionalPropertiesAllowed = false,
    };

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
