using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Access;
using Gristmill.Store;
using Microsoft.OpenApi;

namespace Gristmill.Silo.Http.Document;

/// <summary>What a call says of itself beside its code: its role, its summary, what it reads from query, headers and body.</summary>
internal static class CallDescription
{
    /// <summary>Names a call, gives it its role, and says what it is for.</summary>
    /// <param name="call">The call.</param>
    /// <param name="role">Who may; null for everybody.</param>
    /// <param name="name">Its name, once in the document.</param>
    /// <param name="summary">What it does.</param>
    /// <param name="tag">The group that it is shown in.</param>
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder call, AccessRole? role, string name, string summary, string tag)
    {
        call.WithName(name).WithSummary(summary).WithTags(tag);
        return role is { } needed ? call.Needs(needed) : call.AllowAnonymous();
    }

    /// <summary>A page: cursor and limit.</summary>
    public static RouteHandlerBuilder Pages(this RouteHandlerBuilder call) => call
        .Reads("cursor", "Where the page begins: the cursor of the page before. None for the first page.", Schemas.Text(1, 256))
        .Reads("limit", "How many at most.", Schemas.Whole(1, QueueStore.MaxPage, QueryValues.DefaultLimit))
        .Fails(StatusCodes.Status400BadRequest);

    /// <summary>A parameter of the query, or a header.</summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder call, string name, string description, OpenApiSchema schema, ParameterLocation place = ParameterLocation.Query) =>
        call.WithMetadata(new CallParameter(new OpenApiParameter { Name = name, In = place, Description = description, Schema = schema }));

    /// <summary>A body of JSON.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder call, OpenApiSchema schema, bool required, string description) => call
        .WithMetadata(new CallBody(new OpenApiRequestBody
        {
            Required = required,
            Description = description,
            Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new OpenApiMediaType { Schema = schema } },
        }))
        .Fails(StatusCodes.Status400BadRequest, StatusCodes.Status413PayloadTooLarge, StatusCodes.Status415UnsupportedMediaType);

    /// <summary>Statuses that come with a problem. Those that any call can have are added by <see cref="ApiDocument"/>.</summary>
    public static RouteHandlerBuilder Fails(this RouteHandlerBuilder call, params int[] statuses)
    {
        foreach (var status in statuses) call.WithMetadata(new CallProblem(status));
        return call;
    }
}

/// <summary>A parameter that the call reads by itself.</summary>
internal sealed record CallParameter(OpenApiParameter Parameter);

/// <summary>The body that the call reads by itself.</summary>
internal sealed record CallBody(OpenApiRequestBody Body);

/// <summary>A status that comes with a problem.</summary>
internal sealed record CallProblem(int Status);
