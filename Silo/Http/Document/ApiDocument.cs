using System.Reflection;
using System.Text.Json.Serialization;
using Gristmill.Silo.Http.Access;
using Gristmill.Store;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Gristmill.Silo.Http.Document;

/// <summary>
/// The OpenAPI document of the API (https://spec.openapis.org/oas/v3.1.1.html), made once of what the calls say of
/// themselves, and the page on which they can be tried. Both are open: they say nothing of this silo.
/// </summary>
internal sealed class ApiDocument(IServiceProvider services)
{
    /// <summary>Where the page is.</summary>
    public const string PagePath = "/docs";

    private const string Name = "v1";
    private const string Path = "/openapi/v1.json";
    private const string ProblemSchema = "Problem";
    private const string ProblemType = "application/problem+json";

    // Whoever calls can meet these.
    private static readonly int[] OfAll =
    [
        StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden, StatusCodes.Status409Conflict,
        StatusCodes.Status429TooManyRequests, StatusCodes.Status500InternalServerError, StatusCodes.Status503ServiceUnavailable,
    ];

    private readonly Lazy<Task<string>> _text = new(() => WriteAsync(services));

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<ApiDocument>();

        // Numbers are numbers: the document shall not say that they may be texts.
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
        services.AddOpenApi(Name, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.AddSchemaTransformer(NameStates);
            options.AddOperationTransformer(CompleteAsync);
            options.AddDocumentTransformer((document, context, _) => Head(document, context.ApplicationServices.GetRequiredService<AccessKeys>()));
        });
    }

    public static void Map(IEndpointRouteBuilder routes) => routes
        .MapGet(Path, async (ApiDocument document) => Results.Text(await document._text.Value, "application/json"))
        .Describe(null, "getDocument", "This document.", "About the API")
        .Produces(StatusCodes.Status200OK, typeof(object), "application/json");

    /// <summary>The page, which asks for a key where one is needed.</summary>
    public static void UsePage(WebApplication app) => app.UseSwaggerUI(page =>
    {
        page.RoutePrefix = PagePath[1..];
        page.DocumentTitle = "Gristmill";
        page.SwaggerEndpoint(Path, "Gristmill");
    });

    private static async Task<string> WriteAsync(IServiceProvider services)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        return await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1);
    }

    private static Task NameStates(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type != typeof(JobState)) return Task.CompletedTask;
        (schema.Type, schema.Enum) = (JsonSchemaType.String, Schemas.State().Enum);
        return Task.CompletedTask;
    }

    private static Task CompleteAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        foreach (var own in metadata.OfType<CallParameter>()) operation.Parameters.Add(own.Parameter);
        if (metadata.OfType<CallBody>().FirstOrDefault() is { } body) operation.RequestBody = body.Body;
        foreach (var part in operation.Parameters.OfType<OpenApiParameter>().Where(p => p.In == ParameterLocation.Path)) part.Schema = Schemas.OfPath(part.Name!);
        var problem = new Dictionary<string, OpenApiMediaType> { [ProblemType] = new() { Schema = new OpenApiSchemaReference(ProblemSchema, context.Document) } };
        var role = metadata.OfType<CallRole>().LastOrDefault()?.Role;
        var statuses = metadata.OfType<CallProblem>().Select(p => p.Status).Concat(role is null ? [StatusCodes.Status400BadRequest] : OfAll);
        operation.Responses ??= [];
        foreach (var status in statuses.Distinct().Order())
        {
            operation.Responses.TryAdd($"{status}", new OpenApiResponse
            {
                Description = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status),
                Content = problem,
            });
        }

        if (role is not { } needed) return Task.CompletedTask;
        operation.Description = $"{operation.Description} Role: {needed.ToString().ToLowerInvariant()}.".TrimStart();
        operation.Security = [.. new[] { "bearer", "apiKey" }.Select(s => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(s, context.Document)] = [] })];
        if (context.ApplicationServices.GetRequiredService<AccessKeys>().IsOpen) operation.Security.Insert(0, []);
        return Task.CompletedTask;
    }

    private static Task Head(OpenApiDocument document, AccessKeys keys)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Gristmill",
            Version = typeof(ApiDocument).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "?",
            Description = "Durable jobs off Redis lists. Errors are problem details (RFC 9457) that name the field and the bound; lists are pages with a cursor; times are ISO 8601 UTC." +
                (keys.IsOpen ? string.Empty : " Calls need a key."),
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
        };
        document.Components ??= new OpenApiComponents();
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        document.Components.Schemas[ProblemSchema] = Schemas.Problem();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes["bearer"] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A key of the silo, or a token of the authority that it trusts.",
        };
        document.Components.SecuritySchemes["apiKey"] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = KeyAuthentication.Header, Description = "A key of the silo.",
        };
        return Task.CompletedTask;
    }
}
