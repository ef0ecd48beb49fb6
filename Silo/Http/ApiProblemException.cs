namespace Gristmill.Silo.Http;

/// <summary>A request that cannot be answered, with what the caller is told.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="code">A stable word for programs.</param>
/// <param name="title">What is wrong, the same for each of its kind.</param>
/// <param name="detail">What is wrong here: names the field, its value and the bound.</param>
/// <param name="field">The field; null for none.</param>
internal sealed class ApiProblemException(int status, string code, string title, string detail, string? @field = null) : Exception(detail)
{
    public int Status => status;

    public string Code => code;

    public string Title => title;

    public string? Field => @field;

    /// <param name="field">The field; empty for the whole body.</param>
    /// <param name="detail">What is wrong with it.</param>
    public static ApiProblemException InvalidField(string field, string detail) =>
        new(StatusCodes.Status400BadRequest, "invalid_field", "A field is not valid.", detail, field.Length == 0 ? null : field);
}
