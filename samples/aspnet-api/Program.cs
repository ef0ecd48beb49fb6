using System.Text.Json.Serialization;
using Gristmill.AspNetApi;
using Gristmill.Client;

// An API in front of long work: it takes files, hands each to a queue, and tells how far it is. It has the client alone; the work is
// done by whatever silo serves the queue, now or later.
var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = Documents.MaxBytes + 4096);
builder.Services.AddGristmillClient(options => options.Redis = builder.Configuration["REDIS_URL"] ?? "redis://localhost:6379/0");
builder.Services.AddHealthChecks().AddGristmill(Documents.Queue);
builder.Services.AddProblemDetails();
builder.Services.ConfigureHttpJsonOptions(http =>
{
    http.SerializerOptions.TypeInfoResolverChain.Insert(0, DocumentJson.Default);
    http.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
});
builder.Services.AddSingleton(provider => new Documents(
    provider.GetRequiredService<IGristmillClient>(), builder.Configuration["FILES"] ?? Path.Combine(Path.GetTempPath(), "documents")));

var app = builder.Build();
app.UseExceptionHandler();
app.MapHealthChecks("/health");
DocumentCalls.Map(app);
app.Run();
