using System.Net;
using System.Text.Json;
using Gristmill.Silo.Http.Access;
using Gristmill.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Silo.Tests.Http;

/// <summary>The OpenAPI document tells of everything that is mapped. That it tells the truth, <see cref="ApiContract"/> checks in every test.</summary>
public sealed class DocumentTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Document_names_every_route_that_is_mapped_with_its_role()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var document = await api.Contract.DocumentAsync();
        var told = Calls(document).ToDictionary(c => $"{c.Method} {c.Path}", c => c.Call);
        var mapped = api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();

        Assert.True(mapped.Count > 25, $"Only {mapped.Count} routes.");
        foreach (var route in mapped)
        {
            var name = $"{route.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Single()} /{route.RoutePattern.RawText!.Trim('/')}";
            Assert.True(told.TryGetValue(name, out var call), $"{name} is not in the document.");
            if (route.Metadata.GetMetadata<CallRole>() is { } role) Assert.Contains($"Role: {role.Role.ToString().ToLowerInvariant()}.", call.GetProperty("description").GetString(), StringComparison.Ordinal);
            else Assert.Contains(name, (string[])["GET /openapi/v1.json", "GET /health/live", "GET /health/ready"]);
        }

        Assert.Equal(mapped.Count, told.Count);
    }

    [Fact]
    public async Task Calls_have_summary_name_bounds_and_problems()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: Access.TestKeys.Set);
        var document = await api.Contract.DocumentAsync();
        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        Assert.Equal(["apiKey", "bearer"], document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(s => s.Name).Order());
        var names = new HashSet<string>();
        foreach (var (method, path, call) in Calls(document))
        {
            Assert.NotEmpty(call.GetProperty("summary").GetString()!);
            Assert.True(names.Add(call.GetProperty("operationId").GetString()!));
            Assert.Contains("400", call.GetProperty("responses").EnumerateObject().Select(r => r.Name));
            if (path.StartsWith("/api", StringComparison.Ordinal)) Assert.Equal(2, call.GetProperty("security").GetArrayLength());
            foreach (var parameter in call.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : [])
            {
                var schema = parameter.GetProperty("schema");
                var isBound = new[] { "minimum", "minLength", "pattern", "enum", "format" }.Any(k => schema.TryGetProperty(k, out _)) || parameter.GetProperty("name").GetString() == "Last-Event-ID";
                Assert.True(isBound, $"{method} {path}: {parameter} has no bound.");
            }
        }
    }

    [Fact]
    public async Task Page_of_the_document_and_all_that_it_needs_are_served()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: Access.TestKeys.Set);
        foreach (var file in new[] { "/docs/index.html", "/docs/index.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css" })
        {
            using var response = await api.Http.GetAsync(file, Stop);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Contains("default-src 'self'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        }

        Assert.Contains("/openapi/v1.json", await api.Http.GetStringAsync("/docs/index.js", Stop), StringComparison.Ordinal);
    }

    private static IEnumerable<(string Method, string Path, JsonElement Call)> Calls(JsonElement document) =>
        document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Select(c => (c.Name.ToUpperInvariant(), p.Name, c.Value)));
}
